"""The slot of a target in Prefect: a global concurrency limit of 1, made on demand and held on a lease."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from uuid import UUID

import httpx
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate, GlobalConcurrencyLimitUpdate
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import ConcurrencyLeaseHolder, State, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.states import Crashed

from flows import blocks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prefect.client.orchestration import SyncPrefectClient

# Prefect may be away for so long before another run is let in; so long, and 15 s more, a machine that is lost
# still counts as the holder. Prefect grants 60 s or more.
LEASE_SECONDS = 120.0
_RENEWAL = 15.0
# Looks, a second or more apart, that find the slot taken but no run that could have taken it.
_ORPHANED_LOOKS = 4
_PREFECT = (httpx.HTTPError, RuntimeError)
_NO_LIMITS = {401, 403, 404, 405}
_ALIVE = [StateType.RUNNING, StateType.CANCELLING, StateType.PAUSED]


@contextmanager
def acquire(
    name: str, flow_run: UUID, wait: Callable[[str], None], say: Callable[[str], None]
) -> Iterator[str | None]:
    """Hold the slot ``name`` while the block runs; yield the lease's id, or None if Prefect keeps no limits.

    While another holds it, ``wait`` is called with that flow run's id; it waits, or raises. The flow run gets
    the tag ``name``, by which others find who holds the slot. Raises UnreachableError if Prefect is away.
    """
    try:
        with get_client(sync_client=True) as client:
            held = _Lease(name, flow_run, _take(client, name, flow_run, wait))
    except httpx.HTTPStatusError as error:
        if error.response.status_code not in _NO_LIMITS:
            raise blocks.unreachable(blocks.api_url()) from error
        say(
            f"Prefect keeps no concurrency limit {name} for this key (HTTP {error.response.status_code}): "
            "a run on another machine could disturb this one"
        )
        yield None
        return
    except (httpx.HTTPError, RuntimeError) as error:
        raise blocks.unreachable(blocks.api_url()) from error
    with held:
        yield held.id


class _Lease:
    """Renews itself in a thread of its own until the block ends."""

    def __init__(self, name: str, flow_run: UUID, lease_id: str) -> None:
        self.id = lease_id
        self._name = name
        self._flow_run = flow_run
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep, daemon=True, name=f"lease of {name}")

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        give_back(self.id)

    def _keep(self) -> None:
        while not self._ended.wait(_RENEWAL):
            with suppress(*_PREFECT), get_client(sync_client=True) as client:
                self._renew(client)

    def _renew(self, client: SyncPrefectClient) -> None:
        try:
            client.renew_concurrency_lease(UUID(self.id), LEASE_SECONDS)
        except httpx.HTTPStatusError as error:
            if error.response.status_code != httpx.codes.GONE:
                raise
            # Prefect was away for longer than the lease, or has forgotten it over a new start.
            self.id = _increment(client, self._name, self._flow_run) or self.id


def give_back(lease_id: str) -> None:
    """End a lease. One that is over, or a Prefect that is away, is no matter: it runs out by itself."""
    with suppress(*_PREFECT), get_client(sync_client=True) as client:
        client.release_concurrency_slots_with_lease(UUID(lease_id))


def mark_crashed(flow_run: str, why: str) -> None:
    """Set the state of a flow run whose process has died, if Prefect still takes it for running."""
    with suppress(ObjectNotFound, *_PREFECT), get_client(sync_client=True) as client:
        found = client.read_flow_run(UUID(flow_run))
        if found.state and found.state.type in _ALIVE:
            crashed: State[Any] = Crashed(message=f"The run ended without a word: {why}.")
            client.set_flow_run_state(found.id, crashed, force=True)


def _take(client: SyncPrefectClient, name: str, flow_run: UUID, wait: Callable[[str], None]) -> str:
    orphaned = 0
    while True:
        granted = _increment(client, name, flow_run)
        if granted:
            _tag(client, name, flow_run)
            return granted
        holder = _holder(client, name, flow_run)
        orphaned = 0 if holder else orphaned + 1
        if orphaned >= _ORPHANED_LOOKS:
            # A server that was started anew has forgotten its leases, but not that the slot is taken.
            client.update_global_concurrency_limit(name, GlobalConcurrencyLimitUpdate(active_slots=0))
            continue
        if holder:
            wait(holder)
        else:
            time.sleep(1.0)


def _increment(client: SyncPrefectClient, name: str, flow_run: UUID) -> str | None:
    """Return the id of a new lease, or None while the slot is taken. Makes the limit where there is none."""
    holder = ConcurrencyLeaseHolder(type="flow_run", id=flow_run)
    try:
        answer: Any = client.increment_concurrency_slots_with_lease(
            [name], 1, "concurrency", LEASE_SECONDS, holder
        ).json()
    except httpx.HTTPStatusError as error:
        if error.response.status_code == httpx.codes.LOCKED:
            return None
        raise
    if answer["limits"]:
        return str(answer["lease_id"])
    with suppress(ObjectAlreadyExists):
        client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=name, limit=1))
    return _increment(client, name, flow_run)


def _tag(client: SyncPrefectClient, name: str, flow_run: UUID) -> None:
    tags = client.read_flow_run(flow_run).tags
    client.update_flow_run(flow_run, tags=[*tags, name])


def _holder(client: SyncPrefectClient, name: str, flow_run: UUID) -> str | None:
    """Return the flow run that Prefect takes for running and that has held the slot last."""
    state = FlowRunFilterState(type=FlowRunFilterStateType(any_=_ALIVE))
    found = client.read_flow_runs(
        flow_run_filter=FlowRunFilter(state=state, tags=FlowRunFilterTags(all_=[name])),
        sort=FlowRunSort.START_TIME_DESC,
        limit=5,
    )
    return next((str(run.id) for run in found if run.id != flow_run), None)
