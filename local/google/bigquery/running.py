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
    from collections.abc import Awaitable, Coroutine

# Most queries have ended by then, which spares their callers a question.
PATIENCE = 1.0
# https://cloud.google.com/bigquery/docs/error-messages
CANCELLED = "Job execution was cancelled: User requested cancellation"
_KEPT = 1_000

Answer = tuple[int, Any]


class RunningJob:
    """One query on its way. ``resource`` is BigQuery's job, as far as it is known."""

    def __init__(self, resource: dict[str, Any], work: Awaitable[Answer]) -> None:
        now = str(int(time.time() * 1000))
        # What has ended it before the emulator did, or kept it from running.
        self.error: errors.GoogleError | None = None
        self._resource = resource | {
            "kind": "bigquery#job",
            "statistics": {"creationTime": now, "startTime": now},
        }
        self._work = asyncio.ensure_future(work)
        self._stopped = asyncio.Event()

    @property
    def over(self) -> bool:
        """Whether the emulator knows the outcome, and nothing else ended the job."""
        return self._work.done() and self.error is None

    async def outcome(self, seconds: float) -> Answer | None:
        """Wait for the answer of the emulator, or for a cancellation; give None where neither comes."""
        stop = asyncio.ensure_future(self._stopped.wait())
        await asyncio.wait({self._work, stop}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        return await self._work if self.over else None

    def cancel(self) -> None:
        """Let the job be over for its callers."""
        if not self._work.done():
            self.end(stopped())

    def end(self, error: errors.GoogleError) -> None:
        """Let the job have failed."""
        self.error = error
        self._stopped.set()

    def resource(self) -> dict[str, Any]:
        """Give the job as BigQuery shows it while it runs, or once it is cancelled or refused."""
        if self.error is None:
            return self._resource | {"status": {"state": "RUNNING"}}
        error = {"reason": self.error.reason, "message": self.error.message}
        return self._resource | {"status": {"state": "DONE", "errorResult": error, "errors": [error]}}


class RunningJobs:
    """The queries that the gateway answers for: those that run, and those that were cancelled or refused."""

    def __init__(self) -> None:
        self._jobs: OrderedDict[str, RunningJob] = OrderedDict()

    def start(self, key: str, resource: dict[str, Any], work: Coroutine[Any, Any, Answer]) -> RunningJob:
        """Begin a query. Raises Google's 409 if one of this name is on its way."""
        if self.get(key) is not None:
            work.close()
            raise _already_there(key)
        job = self._jobs[key] = RunningJob(resource, work)
        if len(self._jobs) > _KEPT:
            self._jobs = OrderedDict((name, kept) for name, kept in self._jobs.items() if not kept.over)
        return job

    def refuse(self, key: str, resource: dict[str, Any], error: errors.GoogleError) -> RunningJob:
        """Note a query that has failed before it ran. Raises Google's 409 as above."""
        if self.get(key) is not None:
            raise _already_there(key)
        job = self._jobs[key] = RunningJob(resource, asyncio.get_running_loop().create_future())
        job.end(error)
        return job

    def get(self, key: str) -> RunningJob | None:
        """Give a query that the emulator can't tell about: it runs, or was cancelled or refused."""
        job = self._jobs.get(key)
        return None if job is None or job.over else job


def _already_there(key: str) -> errors.GoogleError:
    return errors.GoogleError(409, "ALREADY_EXISTS", "duplicate", f"Already Exists: Job {key}")


def stopped() -> errors.GoogleError:
    """Give what BigQuery answers to who waits for the rows of a cancelled query."""
    return errors.GoogleError(499, "CANCELLED", "stopped", CANCELLED)
