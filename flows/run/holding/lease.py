"""Hold the slot of a target in Prefect: a global concurrency limit of 1, on a lease that is renewed."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from uuid import UUID

import httpx
from prefect.client.orchestration import get_client

from flows.run import beside
from flows.run.holding import slot
from flows.target import prefect_api

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prefect.client.orchestration import SyncPrefectClient

_RENEWAL = 15.0
_NO_LIMITS = {401, 403, 404, 405}


@contextmanager
def acquire(
    name: str,
    flow_run: UUID,
    wait: Callable[[str], None],
    say: Callable[[str], None],
    lost: Callable[[str], None],
) -> Iterator[str | None]:
    """Hold the slot ``name`` while the block runs; yield the lease's id, or None if Prefect keeps no limits.

    While another holds it, ``wait`` is called with that flow run's id; it waits, or raises. A slot whose
    holder shows no sign of life for `slot.SILENCE_SECONDS` is taken over; where no run seems to hold it, that
    is waited for, and ``say`` is told. If another run has got the slot meanwhile, after a lease that ran out,
    ``lost`` is called once with its id, in another thread.
    Raises UnreachableError if Prefect is away, BusyError if the limit is 0.
    """
    try:
        with get_client(sync_client=True) as client:
            held = _Lease(name, flow_run, _take(client, name, flow_run, wait, say), say, lost)
    except httpx.HTTPStatusError as error:
        if error.response.status_code not in _NO_LIMITS:
            raise prefect_api.unreachable() from error
        say(
            f"Prefect keeps no concurrency limit {name} for this key (HTTP {error.response.status_code}): "
            "a run on another machine could disturb this one"
        )
        yield None
        return
    except (httpx.HTTPError, RuntimeError) as error:
        raise prefect_api.unreachable() from error
    with held:
        yield held.id


class _Lease:
    """Renews itself in a thread of its own until the block ends."""

    def __init__(
        self,
        name: str,
        flow_run: UUID,
        lease_id: str,
        say: Callable[[str], None],
        lost: Callable[[str], None],
    ) -> None:
        self.id = lease_id
        self._say, self._lost = say, lost
        self._silence: slot.Silence | None = None
        self._suspect: str | None = None
        self._name = name
        self._flow_run = flow_run
        self._ended = threading.Event()

    def __enter__(self) -> None:
        beside.start(f"lease of {self._name}", self._keep)

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        slot.give_back(self.id)

    def _keep(self) -> None:
        pause = 0.0  # the first lease is a short one
        renewed: float | None = time.monotonic()
        while not self._ended.wait(pause):
            pause = _RENEWAL
            with suppress(*slot.PREFECT), get_client(sync_client=True) as client:
                other = None if self._renew(client) else self._other(client)
                if other is not None and not self._ended.is_set():
                    return self._lost(other)
                slot.tag(client, self._name, self._flow_run)
                renewed = time.monotonic()
            if renewed is not None and time.monotonic() - renewed > slot.LEASE_SECONDS:
                renewed = None  # said once
                self._say(
                    f"Prefect has not answered for {slot.LEASE_SECONDS:.0f} s: the slot {self._name} may be "
                    "given to another run, which would start beside this one"
                )
        return None

    def _renew(self, client: SyncPrefectClient) -> bool:
        """Renew the lease, or take the slot anew if Prefect has given it up; say if it is this run's."""
        try:
            client.renew_concurrency_lease(UUID(self.id), slot.LEASE_SECONDS)
        except httpx.HTTPStatusError as error:
            if error.response.status_code != httpx.codes.GONE:
                raise
            # Prefect was away for longer than the lease, or has forgotten it over a new start.
            return self._take_anew(client)
        self._silence = None
        return True

    def _take_anew(self, client: SyncPrefectClient) -> bool:
        granted = slot.increment(client, self._name, self._flow_run)
        if granted is None:
            return False
        self.id, self._silence = granted, None
        if self._ended.is_set():
            slot.give_back(self.id)
        return True

    def _other(self, client: SyncPrefectClient) -> str | None:
        """Return the run that has the slot in place of this one, once it has shown two signs of life.

        One may be another change of a run that is dead, as where somebody marks it as crashed. What is taken
        may be this run's own slot, of a server that has forgotten whose: if no other run lives, it is taken
        over.
        """
        if self._silence is None:
            self._suspect = None
        # Looked at first: where this process was stopped, the time is over and nobody has looked.
        elif other := self._silence.broken_by(client):
            if other == self._suspect:
                return other
            self._suspect = other
        elif self._silence.is_long:
            slot.take_over(client, self._name, self._flow_run, self._silence)
            self._take_anew(client)
            return None
        else:
            return None
        self._silence = slot.Silence(client, self._name, but=self._flow_run)
        return None


def _take(
    client: SyncPrefectClient,
    name: str,
    flow_run: UUID,
    wait: Callable[[str], None],
    say: Callable[[str], None],
) -> str:
    tagged = True  # perhaps: a run that is retried was tagged in its earlier life
    silence: slot.Silence | None = None
    while True:
        if slot.is_free(client, name):
            slot.tag(client, name, flow_run)
            tagged, silence = True, None
            granted = slot.increment(client, name, flow_run)
            if granted:
                return granted
        if tagged:
            slot.untag(client, name, flow_run)
            tagged = False
        holder = slot.holder(client, name, flow_run)
        if silence is None:
            silence = slot.Silence(client, name)
            if holder is None:
                say(
                    f"the slot {name} in Prefect is taken, which no run seems to hold: waiting up to "
                    f"{slot.SILENCE_SECONDS:.0f} s until it is free"
                )
        if living := silence.broken_by(client):
            silence = None
            wait(living)
        elif silence.is_long:
            slot.take_over(client, name, flow_run, silence)
            tagged, silence = True, None
        elif holder is not None:
            wait(holder)
        else:
            time.sleep(1.0)
