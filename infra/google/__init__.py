"""What the program itself asks of Google: who runs it, what is in force, what is in a dataset, a new key."""

__all__ = ["answers", "dropped", "new_key"]
