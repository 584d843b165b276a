"""Who started which job or upload, and where: BigQuery shows a job to its owner and to admins only."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

_KEPT = 50_000


@dataclass(frozen=True)
class Seen:
    """A job's owner and the location that was asked for ("" where none was)."""

    email: str
    location: str


class JobsSeen:
    """The latest jobs and uploads, in memory: after a restart only admins see earlier ones."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, Seen] = OrderedDict()

    def add(self, key: str, email: str, location: str = "") -> None:
        """Remember a job or an upload session."""
        self._seen[key] = Seen(email, location)
        if len(self._seen) > _KEPT:
            self._seen.popitem(last=False)

    def get(self, key: str) -> Seen | None:
        """Give what is known, if anything."""
        return self._seen.get(key)
