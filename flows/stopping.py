"""Stop dbt, and the BigQuery jobs it waits for, on Ctrl-C, SIGTERM, and Cancel in Prefect."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import httpx
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import StateType
from prefect.exceptions import TerminationSignal
from prefect.states import Cancelled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

TERMINATED = 128 + signal.SIGTERM
_LOOK_SECONDS = 3.0


class TerminatedError(BaseException):
    """SIGTERM has come, and Prefect has recorded the end of the run."""


@contextmanager
def dbt_stops_its_jobs() -> Iterator[None]:
    """Let dbt cancel its BigQuery jobs when Prefect turns a SIGTERM into TerminationSignal.

    dbt cancels for KeyboardInterrupt and SystemExit alone. Prefect's handler for the signal has to stay, as
    Prefect tells a cancelled run from a crashed one by it. So what it raises goes through dbt as SystemExit.
    Of each thread's jobs only the last can be running: the others are forgotten, lest dbt cancel them, too.
    """
    from dbt.adapters.factory import get_adapter  # noqa: PLC0415 - with dbt, 4 s
    from dbt.task.runnable import GraphRunnableTask  # noqa: PLC0415

    original = GraphRunnableTask.run_queue

    def run_queue(task: Any, pool: Any) -> None:
        try:
            original(task, pool)
        except (KeyboardInterrupt, SystemExit, TerminationSignal) as reason:
            jobs = getattr(get_adapter(task.config).connections, "jobs_by_thread", {})
            for started in list(jobs.values()):
                del started[:-1]
            if isinstance(reason, TerminationSignal):
                raise SystemExit(TERMINATED) from reason
            raise

    GraphRunnableTask.run_queue = run_queue
    try:
        yield
    finally:
        GraphRunnableTask.run_queue = original


def reason(exception: BaseException) -> BaseException:
    """Return what `dbt_stops_its_jobs` has turned into a SystemExit, or the exception itself."""
    cause = exception.__cause__
    return cause if isinstance(cause, TerminationSignal) else exception


@contextmanager
def cancellable(flow_run: UUID, *, supervised: bool) -> Iterator[None]:
    """End this process by SIGTERM once the flow run is being cancelled in Prefect, while the block runs.

    A run of a deployment is ``supervised`` by what has started it, which does this itself.
    """
    if supervised:
        yield
        return
    ended = threading.Event()
    threading.Thread(target=_watch, args=(flow_run, ended), daemon=True, name="cancelled?").start()
    try:
        yield
    finally:
        ended.set()


def _watch(flow_run: UUID, ended: threading.Event) -> None:
    while not ended.wait(_LOOK_SECONDS):
        with suppress(httpx.HTTPError, RuntimeError), get_client(sync_client=True) as client:
            state = client.read_flow_run(flow_run).state
            if state is not None and state.type == StateType.CANCELLING:
                _cancelled.append(flow_run)
                os.kill(os.getpid(), signal.SIGTERM)
                return


_cancelled: list[UUID] = []


@contextmanager
def sigterm_raises() -> Iterator[None]:
    """Raise TerminatedError for a SIGTERM, once Prefect is through with it, instead of dying at once.

    A run that was cancelled in Prefect, and that Prefect has recorded as crashed, is recorded as cancelled.
    """

    def stop(_number: int, _frame: object) -> None:
        for flow_run in _cancelled:
            with suppress(httpx.HTTPError, RuntimeError), get_client(sync_client=True) as client:
                client.set_flow_run_state(flow_run, Cancelled(), force=True)
        raise TerminatedError

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
