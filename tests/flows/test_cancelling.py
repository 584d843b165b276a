from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

from flows.engine.internals.stopping import cancelling
from flows.engine.internals.stopping.cancelling import cancel_jobs


class BigQuery:
    """Knows some jobs, refuses each first wish to cancel one, and ends the threads that wait for them."""

    def __init__(self, **jobs: threading.Event) -> None:
        self.jobs = jobs
        self.asked: list[str] = []

    def cancel_job(self, job: str, *, retry: object, timeout: float) -> None:
        self.asked.append(job)
        if self.asked.count(job) < 2:
            raise RuntimeError("404 there is no such job yet, or 503")
        self.jobs[job].set()


def connections(client: BigQuery, **jobs: list[str]) -> Any:
    """What dbt-bigquery keeps of its threads, which are named here by what they do."""
    states = {name: SimpleNamespace(state="open", handle=client) for name in jobs}
    states["idle"] = SimpleNamespace(state="closed", handle=None)
    return SimpleNamespace(thread_connections=states, jobs_by_thread={**jobs, "idle": ["ended"]})


def test_a_job_that_cannot_be_cancelled_yet_keeps_no_other_running() -> None:
    one, other = threading.Event(), threading.Event()
    threads = [threading.Thread(target=event.wait, args=(20,)) for event in (one, other)]
    for thread in threads:
        thread.start()
    client = BigQuery(second=one, only=other)
    left = cancel_jobs(connections(client, a=["first", "second"], b=["only"]), threads)
    assert left == []
    assert not any(thread.is_alive() for thread in threads)
    # Of two jobs of one thread the first has ended, and a cancelled one is left alone.
    assert sorted(client.asked) == ["only", "only", "second", "second"]


def test_what_bigquery_does_not_hear_of_is_named(monkeypatch: Any) -> None:
    monkeypatch.setattr(cancelling, "_SECONDS", 0.1)
    never = threading.Event()
    thread = threading.Thread(target=never.wait, args=(20,))
    thread.start()
    client = BigQuery()
    assert cancel_jobs(connections(client, a=["lost"]), [thread]) == ["lost"]
    never.set()
