"""What a statement reads and changes."""
