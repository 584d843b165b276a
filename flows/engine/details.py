"""What pictures and links need to know of a node beyond its result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True)
class NodeDetails:
    """When (UTC) and on which thread a node ran, what it reads and makes. None where dbt does not say."""

    started: datetime | None
    ended: datetime | None
    thread: str
    folder: str
    parents: tuple[str, ...]
    relation: tuple[str, str, str] | None  # project, dataset, table
    job: tuple[str, str, str] | None  # project, location, id
    sql: str | None
