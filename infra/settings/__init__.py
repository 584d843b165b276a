"""A stack's settings, typed and checked before anything is planned."""

from __future__ import annotations

from infra.settings.groups.datasets import Dataset
from infra.settings.load import explain, load, place, secret_variables
from infra.settings.model import Settings
from infra.settings.names import Names

__all__ = ["Dataset", "Names", "Settings", "explain", "load", "place", "secret_variables"]
