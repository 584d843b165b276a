"""The place of a run among those of its deployment, on a lease that Prefect's engine is to renew."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
from prefect.client.orchestration import get_client

from flows.run import beside

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

# Of a lease's time: so that it may fail for as long again, and more.
_SHARE = 0.3
_PAUSE_AFTER_FAILURE = 10.0


@contextmanager
def kept(lease_id: UUID, lease_duration: float, **_: Any) -> Iterator[None]:
    """Renew the lease, which lasts so many seconds, until the block ends. In the place of Prefect's own.

    That one ends the flow, wherever it is, when Prefect is away for about a minute as it renews. Here the
    worst is that Prefect lets the deployment's next run begin: that one waits for the target's own slot,
    see `lease`.
    """
    ended = threading.Event()
    beside.start(f"lease {lease_id}", _renew, lease_id, lease_duration, ended)
    try:
        yield
    finally:
        ended.set()


def _renew(lease_id: UUID, seconds: float, ended: threading.Event) -> None:
    pause = 0.0  # Prefect grants a short one at first
    while not ended.wait(pause):
        try:
            with get_client(sync_client=True) as client:
                client.renew_concurrency_lease(lease_id, seconds)
        except httpx.HTTPStatusError as error:
            if error.response.status_code in {httpx.codes.GONE, httpx.codes.NOT_FOUND}:
                return
            pause = _PAUSE_AFTER_FAILURE
        except (httpx.HTTPError, RuntimeError):
            pause = _PAUSE_AFTER_FAILURE
        else:
            pause = _SHARE * seconds
