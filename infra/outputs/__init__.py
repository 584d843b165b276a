"""What a stack tells: its outputs, and the pages they point to."""

__all__ = ["pages", "stack"]
