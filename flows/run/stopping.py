"""Stop dbt, and the BigQuery jobs it waits for, on Ctrl-C, SIGTERM, and Cancel in Prefect."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import StateType
from prefect.exceptions import TerminationSignal
from prefect.states import Cancelled

from flows.engine.cancelling import cancel_jobs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

TERMINATED = 128 + signal.SIGTERM
_LOOK_SECONDS = 3.0


class TerminatedError(BaseException):
    """SIGTERM has come, and Prefect has recorded the end of the run."""


@dataclass
class Stopped:
    """Why dbt was stopped, if it was, and the ids of jobs that BigQuery may run on with."""

    reason: BaseException | None = None
    jobs: list[str] = field(default_factory=list)


@contextmanager
def dbt_stops_its_jobs() -> Iterator[Stopped]:
    """Let dbt cancel all of its BigQuery jobs on Ctrl-C, and when Prefect turns a SIGTERM into an exception.

    dbt cancels for KeyboardInterrupt and SystemExit alone. Prefect's handler for the signal has to stay, as
    Prefect tells a cancelled run from a crashed one by it. So what it raises goes through dbt as SystemExit.
    Whatever dbt returns then, the reason that is yielded is what has ended it.
    """
    from dbt.adapters.factory import get_adapter  # noqa: PLC0415 - with dbt, 4 s
    from dbt.task.runnable import GraphRunnableTask  # noqa: PLC0415

    stopped = Stopped()
    run_all, cancel_all = GraphRunnableTask.run_queue, GraphRunnableTask._cancel_connections

    def run_queue(task: Any, pool: Any) -> None:
        try:
            run_all(task, pool)
        except (KeyboardInterrupt, SystemExit, TerminationSignal) as reason:
            stopped.reason = reason
            if isinstance(reason, TerminationSignal):
                raise SystemExit(TERMINATED) from reason
            raise

    def cancel_connections(task: Any, pool: Any) -> None:
        pool.close()
        pool.terminate()
        stopped.jobs = cancel_jobs(get_adapter(task.config).connections, pool._pool)

    GraphRunnableTask.run_queue = run_queue
    GraphRunnableTask._cancel_connections = cancel_connections
    try:
        yield stopped
    finally:
        GraphRunnableTask.run_queue = run_all
        GraphRunnableTask._cancel_connections = cancel_all


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
