"""Stop the run on SIGTERM, and on Cancel in Prefect."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import httpx
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import StateType
from prefect.states import Cancelled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

TERMINATED = 128 + signal.SIGTERM
_LOOK_SECONDS = 3.0


class TerminatedError(BaseException):
    """SIGTERM has come, and Prefect has recorded the end of the run."""


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
