"""What the parts of this project take, and what they stand."""
