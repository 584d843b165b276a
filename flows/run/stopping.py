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

from flows.errors import StoppedError
from flows.run import beside, insides

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

TERMINATED = 128 + signal.SIGTERM
LOOK_SECONDS = 3.0


class TerminatedError(BaseException):
    """SIGTERM has come, and Prefect has recorded the end of the run."""


def stop(why: StoppedError) -> bool:
    """End the flow of this process by SIGTERM, from any of its threads; `asked` then says why.

    Say whether the flow will heed it. Where Prefect does not listen for the signal, as in a flow that runs
    in a thread of another program, none is sent: it would end that program.
    """
    if not insides.heeds_sigterm():
        return False
    _reasons.append(why)
    os.kill(os.getpid(), signal.SIGTERM)
    return True


def asked() -> StoppedError | None:
    """Return why this process has been stopped by `stop`; None for a signal from elsewhere."""
    return _reasons.pop() if _reasons else None


_reasons: list[StoppedError] = []


@contextmanager
def cancellable(flow_run: UUID, *, supervised: bool) -> Iterator[None]:
    """Stop this process once the flow run is being cancelled in Prefect, while the block runs.

    A run of a deployment is ``supervised`` by what has started it, which does this itself.
    """
    _reasons.clear()  # of an earlier run in this process, which ended in just that moment
    ended = threading.Event()
    if not supervised:
        beside.start("cancelled?", _watch, flow_run, ended)
    try:
        yield
    finally:
        ended.set()


def _watch(flow_run: UUID, ended: threading.Event) -> None:
    while not ended.is_set():
        # One client for all looks: to make it takes longer than to look.
        with suppress(httpx.HTTPError, RuntimeError), get_client(sync_client=True) as client:
            while not ended.wait(LOOK_SECONDS):
                state = client.read_flow_run(flow_run).state
                if state is not None and state.type == StateType.CANCELLING:
                    stop(StoppedError("cancelled in Prefect"))
                    return
        ended.wait(LOOK_SECONDS)


@contextmanager
def sigterm_raises() -> Iterator[None]:
    """Raise TerminatedError for a SIGTERM, once Prefect is through with it, instead of dying at once."""

    def stop_here(_number: int, _frame: object) -> None:
        raise TerminatedError

    before = signal.signal(signal.SIGTERM, stop_here)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
