"""INFORMATION_SCHEMA: what is told of a dataset, of how its rows are stored, and of a whole project."""

__all__ = ["dataset_views"]
