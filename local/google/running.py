"""Queries that take their time: the emulator answers an insert when the query has ended, BigQuery at once.

So that a long query can be looked at and cancelled, as at Google, the gateway answers for it until it has
ended. The emulator can't be interrupted: it finishes a cancelled query by itself, and the table that is to be
written appears as a whole, as when a cancellation comes too late at Google.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from local.google import errors

if TYPE_CHECKING:
    from collections.abc import Coroutine

# Most queries have ended by then, which spares their callers a question.
PATIENCE = 1.0
# https://cloud.google.com/bigquery/docs/error-messages
CANCELLED = "Job execution was cancelled: User requested cancellation"
_ERROR = {"reason": "stopped", "message": CANCELLED}
_KEPT = 1_000

Answer = tuple[int, Any]


class RunningJob:
    """One query on its way. ``resource`` is BigQuery's job, as far as it is known."""

    def __init__(self, resource: dict[str, Any], work: Coroutine[Any, Any, Answer]) -> None:
        now = str(int(time.time() * 1000))
        self.cancelled = False
        self._resource = resource | {
            "kind": "bigquery#job",
            "statistics": {"creationTime": now, "startTime": now},
        }
        self._work = asyncio.ensure_future(work)
        self._stopped = asyncio.Event()

    @property
    def over(self) -> bool:
        """Whether the emulator knows the outcome, and the job was not cancelled."""
        return self._work.done() and not self.cancelled

    async def outcome(self, seconds: float) -> Answer | None:
        """Wait for the answer of the emulator, or for a cancellation; give None where neither comes."""
        stop = asyncio.ensure_future(self._stopped.wait())
        await asyncio.wait({self._work, stop}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        return await self._work if self.over else None

    def cancel(self) -> None:
        """Let the job be over for its callers."""
        if not self._work.done():
            self.cancelled = True
            self._stopped.set()

    def resource(self) -> dict[str, Any]:
        """Give the job as BigQuery shows it while it runs, or once it is cancelled."""
        if not self.cancelled:
            return self._resource | {"status": {"state": "RUNNING"}}
        return self._resource | {"status": {"state": "DONE", "errorResult": _ERROR, "errors": [_ERROR]}}


class RunningJobs:
    """The queries that the gateway answers for: those that run, and the latest that were cancelled."""

    def __init__(self) -> None:
        self._jobs: OrderedDict[str, RunningJob] = OrderedDict()

    def start(self, key: str, resource: dict[str, Any], work: Coroutine[Any, Any, Answer]) -> RunningJob:
        """Begin a query. Raises Google's 409 if one of this name is on its way."""
        if self.get(key) is not None:
            work.close()
            raise errors.GoogleError(409, "ALREADY_EXISTS", "duplicate", f"Already Exists: Job {key}")
        job = self._jobs[key] = RunningJob(resource, work)
        if len(self._jobs) > _KEPT:
            self._jobs = OrderedDict((name, kept) for name, kept in self._jobs.items() if not kept.over)
        return job

    def get(self, key: str) -> RunningJob | None:
        """Give a query that the emulator can't tell about: it runs, or it was cancelled."""
        job = self._jobs.get(key)
        return None if job is None or job.over else job


def stopped() -> errors.GoogleError:
    """Give what BigQuery answers to who waits for the rows of a cancelled query."""
    return errors.GoogleError(499, "CANCELLED", "stopped", CANCELLED)
