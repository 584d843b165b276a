"""What the columns of a table take, how rows come into it, and which of them are read."""
