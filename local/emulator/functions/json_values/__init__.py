"""JSON: how each type is written as it."""
