"""What the gateway does itself once a statement has succeeded: the emulator has no place for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from local.google.iam.authorize import TableRef


@dataclass(frozen=True)
class Describe:
    """A table's metadata, in the REST API's fields. ``anew`` forgets what was known of the name."""

    table: TableRef
    fields: dict[str, Any]
    columns: dict[str, str] = field(default_factory=dict)  # their descriptions
    anew: bool = False
    required: tuple[str, ...] = ()  # columns that hold no NULL


@dataclass(frozen=True)
class Grant:
    """Roles on a table given or taken; with ``dataset`` alone, on a dataset."""

    dataset: tuple[str, str]
    table: str
    role: str
    members: tuple[str, ...]
    revoke: bool = False


@dataclass(frozen=True)
class Rename:
    """A table that has another name now."""

    table: TableRef
    name: str


@dataclass(frozen=True)
class Located:
    """A dataset that SQL creates, and where."""

    dataset: tuple[str, str]
    location: str


Action = Describe | Grant | Located | Rename
