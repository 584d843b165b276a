"""Who started which job or upload, where and with which labels: what the emulator does not keep.

BigQuery shows a job to its owner and to admins only.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

_KEPT = 50_000


@dataclass(frozen=True)
class Seen:
    """A job's owner, the location that was asked for ("" where none was), and the job's labels."""

    email: str
    location: str = ""
    labels: dict[str, str] = field(default_factory=dict)


class JobsSeen:
    """The latest jobs and uploads, in memory: after a restart only admins see earlier ones."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, Seen] = OrderedDict()

    def add(self, key: str, seen: Seen) -> None:
        """Remember a job or an upload session."""
        self._seen[key] = seen
        if len(self._seen) > _KEPT:
            self._seen.popitem(last=False)

    def get(self, key: str) -> Seen | None:
        """Give what is known, if anything."""
        return self._seen.get(key)
