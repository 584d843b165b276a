"""JSON: how each type is written as it, and how a part of it is changed."""
