"""Cancel the BigQuery jobs that dbt's threads wait for."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from threading import Thread

_SECONDS = 30.0
_PAUSE_SECONDS = 0.5
_REQUEST_SECONDS = 5.0


def cancel_jobs(connections: Any, threads: Sequence[Thread]) -> list[str]:
    """Cancel the latest job of each thread until the threads have ended, for at most 30 seconds.

    Once is not enough: a job may be on its way to BigQuery, which does not know it yet; a thread may be about
    to start its next one; BigQuery may be too busy to answer. And one that fails must not keep the others
    running, as in dbt's own way (`cancel_open` of dbt-bigquery).

    ``connections`` is dbt's BigQueryConnectionManager. Returns the ids of jobs that may run on.
    """
    cancelled: set[str] = set()
    deadline = time.monotonic() + _SECONDS
    while any(thread.is_alive() for thread in threads):
        waiting = [(client, job) for client, job in _latest(connections) if job not in cancelled]
        cancelled.update(job for client, job in waiting if _cancel(client, job))
        if time.monotonic() > deadline:
            return [job for _, job in waiting if job not in cancelled]
        time.sleep(_PAUSE_SECONDS)
    return []


def _latest(connections: Any) -> Iterator[tuple[Any, str]]:
    """Yield client and job of each thread that is at work. Of its jobs only the last can be running."""
    for thread, connection in list(connections.thread_connections.items()):
        jobs = connections.jobs_by_thread.get(thread)
        # The handle of one that is not open would be opened by looking at it.
        if jobs and connection.state == "open":
            yield connection.handle, jobs[-1]


def _cancel(client: Any, job: str) -> bool:
    try:
        client.cancel_job(job, retry=None, timeout=_REQUEST_SECONDS)
    except Exception:  # not there yet, or no answer: tried again
        return False
    return True
