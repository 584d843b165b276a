"""Queries that take their time: the emulator answers an insert when the query has ended, BigQuery at once.

So that a long one can be looked at and cancelled, as there, the gateway answers for it until it has ended.
One that is cancelled, or out of time, is hung up on: the emulator then ends it, and nothing of it is kept.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from local.google import errors
from local.google.bigquery.backend import query_error, refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Coroutine

# Most queries have ended by then, which spares their callers a question.
PATIENCE = 1.0
WAIT_MS = 10_000  # where a request does not say how long it waits for rows
# https://cloud.google.com/bigquery/quotas#query_jobs
LONGEST = 6 * 3600.0  # seconds
# https://cloud.google.com/bigquery/docs/error-messages
CANCELLED = "Job execution was cancelled: User requested cancellation"
TIMED_OUT = "Job execution was cancelled: Job timed out after {seconds:g} sec"
_KEPT = 1_000

Answer = tuple[int, Any]


class RunningJob:
    """One query on its way. ``resource`` is BigQuery's job, as far as it is known."""

    def __init__(self, resource: dict[str, Any], work: Awaitable[Answer], seconds: float = LONGEST) -> None:
        now = str(int(time.time() * 1000))
        # What has ended it before the emulator did, or kept it from running.
        self.error: errors.GoogleError | None = None
        self._resource = resource | {
            "kind": "bigquery#job",
            "statistics": {"creationTime": now, "startTime": now},
        }
        self._work = asyncio.ensure_future(work)
        self._stopped = asyncio.Event()
        timer = asyncio.get_running_loop().call_later(seconds, self._time_out, seconds)
        self._work.add_done_callback(lambda _: timer.cancel())

    @property
    def over(self) -> bool:
        """Whether the emulator knows the outcome, and nothing else ended the job."""
        return self._work.done() and self.error is None

    @property
    def failure(self) -> errors.GoogleError | None:
        """What ended the job, or why the emulator took it for none or has no rows of it."""
        if self.error is not None or not self._work.done() or self._work.cancelled():
            return self.error
        raised = self._work.exception()
        if raised is not None:
            if isinstance(raised, errors.GoogleError):
                return raised
            return errors.unavailable(f"the local BigQuery failed: {raised or type(raised).__name__}")
        status, answer = self._work.result()
        if status >= 400:
            return refusal(status, json.loads(answer) if isinstance(answer, bytes) else answer)
        failed = None if isinstance(answer, bytes) else answer.get("status", {}).get("errorResult")
        return query_error(failed) if failed else None

    async def outcome(self, seconds: float) -> Answer | None:
        """Wait for the answer of the emulator, or for a cancellation; give None where neither comes."""
        await self.ended(seconds)
        return await self._work if self.over else None

    async def ended(self, seconds: float) -> None:
        """Wait until the job has ended in any way, or for so long."""
        stop = asyncio.ensure_future(self._stopped.wait())
        await asyncio.wait({self._work, stop}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()

    def cancel(self) -> None:
        """Let the job be over for its callers, and for the emulator."""
        self.end(stopped(CANCELLED))

    def end(self, error: errors.GoogleError) -> None:
        """Let the job have failed, unless it has ended."""
        if not self._work.done():
            self.error = error
            self._stopped.set()
            self._work.cancel()

    def resource(self) -> dict[str, Any]:
        """Give the job as BigQuery shows it while it runs, or once it is cancelled or refused."""
        failure = self.failure
        if failure is None:
            return self._resource | {"status": {"state": "RUNNING"}}
        if self.over and self._work.exception() is None and self._work.result()[0] < 400:
            return dict(self._work.result()[1])
        error = {"reason": failure.reason, "message": failure.message}
        return self._resource | {"status": {"state": "DONE", "errorResult": error, "errors": [error]}}

    def _time_out(self, seconds: float) -> None:
        self.end(stopped(TIMED_OUT.format(seconds=seconds)))


class RunningJobs:
    """The queries that the gateway answers for: those that run, and those that were cancelled or refused."""

    def __init__(self) -> None:
        self._jobs: OrderedDict[str, RunningJob] = OrderedDict()
        # The emulator's own ids of queries whose callers were told the gateway's.
        self.emulators_ids: dict[str, str] = {}

    def start(
        self, key: str, resource: dict[str, Any], work: Coroutine[Any, Any, Answer], seconds: float = LONGEST
    ) -> RunningJob:
        """Begin a query, which may take so many seconds."""
        job = self._jobs[key] = RunningJob(resource, work, seconds)
        if len(self._jobs) > _KEPT:
            self._jobs = OrderedDict((name, kept) for name, kept in self._jobs.items() if not kept.over)
            while len(self.emulators_ids) > _KEPT:
                del self.emulators_ids[next(iter(self.emulators_ids))]
        return job

    def refuse(self, key: str, resource: dict[str, Any], error: errors.GoogleError) -> RunningJob:
        """Note a query that has failed before it ran."""
        job = self._jobs[key] = RunningJob(resource, asyncio.get_running_loop().create_future())
        job.end(error)
        return job

    def of(self, project: str) -> list[RunningJob]:
        """Give a project's queries that the emulator can't tell about, the latest first."""
        found = [job for key, job in self._jobs.items() if key.startswith(f"{project}/") and not job.over]
        return found[::-1]

    def get(self, key: str) -> RunningJob | None:
        """Give a query that the emulator can't tell about: it runs, or was cancelled or refused."""
        job = self._jobs.get(key)
        return None if job is None or (job.over and job.failure is None) else job


def seconds_of(settings: dict[str, Any]) -> float:
    """Give how long a job or query may take by its own ``jobTimeoutMs``."""
    given = float(settings.get("jobTimeoutMs") or 0) / 1000
    return min(given, LONGEST) if given > 0 else LONGEST


def stopped(message: str) -> errors.GoogleError:
    """Give what BigQuery answers to who waits for the rows of a query that was ended."""
    return errors.GoogleError(499, "CANCELLED", "stopped", message)
