"""Who started which job or upload, where and with which labels: what the emulator does not keep.

BigQuery shows a job to its owner and to admins only.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from local.google.context import Gateway

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


def note_job(gateway: Gateway, project_id: str, answer: dict[str, Any], seen: Seen) -> None:
    """Remember whose job this is, and put what the emulator does not keep into the answer."""
    job_id = str((answer.get("jobReference") or {}).get("jobId", ""))
    remember(gateway, project_id, job_id, seen)
    sign(answer, seen)


def remember(gateway: Gateway, project_id: str, job_id: str, seen: Seen) -> None:
    """Remember whose job this is."""
    gateway.jobs.add(f"{project_id}/{job_id}", seen)
    # A query's rows are also a table, named after the job.
    gateway.jobs.add(f"{project_id}/anon{job_id.replace('-', '')}", seen)


def sign(answer: dict[str, Any], seen: Seen | None) -> None:
    """Put what the emulator does not keep into its answer."""
    if seen is None:
        return
    answer["user_email"] = seen.email
    if seen.location and "jobReference" in answer:
        answer["jobReference"]["location"] = seen.location
    if seen.labels:
        answer.setdefault("configuration", {})["labels"] = seen.labels
