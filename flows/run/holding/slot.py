"""The slot of a target in Prefect, asked for and told apart from those of lost runs: one request or two each.

The limit is the stack's; the first run of a target without a stack makes it. A run has the limit's name among
its tags from just before the slot is its own, so that others find who holds it; one that waits has not. With
each renewal it is tagged anew: a sign of life, whatever Prefect takes its state to be.
"""

from __future__ import annotations

import time
from contextlib import suppress
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
from prefect.client.schemas.objects import ConcurrencyLeaseHolder, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound

from flows.errors import BusyError

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun

# Prefect may be away for so long before another run is let in; so long, and 15 s more, a machine that is lost
# still counts as the holder. Prefect grants 60 s or more.
LEASE_SECONDS = 120.0
# The least that Prefect grants, until the first renewal: if its answer is lost, so is the slot for so long.
_FIRST_SECONDS = 60.0
# Prefect looks for leases that have run out every 15 s. A slot is taken over when nobody has shown a sign of
# life for longer than that and a lease: the lease is then over or forgotten, and so cannot end later and free
# the slot again under the one who has taken it over. Prefect may take a lost run for running for ever.
SILENCE_SECONDS = LEASE_SECONDS + 2 * 15.0
PREFECT = (httpx.HTTPError, RuntimeError)
ALIVE = [StateType.RUNNING, StateType.CANCELLING, StateType.PAUSED]


def give_back(lease_id: str) -> None:
    """End a lease. One that is over, or a Prefect that is away, is no matter: it runs out by itself."""
    with suppress(*PREFECT), get_client(sync_client=True) as client:
        client.release_concurrency_slots_with_lease(UUID(lease_id))


class Silence:
    """The time since when no run, of those that ever held a slot, has shown a sign of life."""

    def __init__(self, client: SyncPrefectClient, name: str, but: UUID | None = None) -> None:
        self._name, self._but = name, but
        self._began = time.monotonic()
        self._first = self._read(client)
        self._marks = dict(self._first)

    def broken_by(self, client: SyncPrefectClient) -> str | None:
        """Return the flow run that lives although Prefect does not take it for running, if there is one."""
        marks = self._read(client)
        moved = (run for run, mark in marks.items() if self._marks.setdefault(run, mark) != mark)
        return next(map(str, moved), None)

    def covers(self, run: FlowRun) -> bool:
        """Say if the run has been silent all the time, and has not come to the slot meanwhile."""
        return self._first.get(run.id) == run.updated

    @property
    def is_long(self) -> bool:
        """Say if a lease would have run out meanwhile."""
        return time.monotonic() - self._began > SILENCE_SECONDS

    def _read(self, client: SyncPrefectClient) -> dict[UUID, object]:
        ever = FlowRunFilter(tags=FlowRunFilterTags(all_=[self._name]))
        found = client.read_flow_runs(flow_run_filter=ever, sort=FlowRunSort.START_TIME_DESC, limit=50)
        return {run.id: run.updated for run in found if run.id != self._but}


def take_over(client: SyncPrefectClient, name: str, flow_run: UUID, silence: Silence) -> None:
    """Free a slot that no run holds but silent ones; of several runs that try, at most one does.

    Each is tagged before it looks for others: the later one sees the earlier.
    """
    tag(client, name, flow_run)
    if all(silence.covers(run) for run in _running(client, name, flow_run)):
        with suppress(ObjectNotFound):
            client.update_global_concurrency_limit(name, GlobalConcurrencyLimitUpdate(active_slots=0))


def is_free(client: SyncPrefectClient, name: str) -> bool:
    """Say if the slot seems to be free. Makes the limit where there is none. Raises BusyError if it is 0."""
    try:
        limit = client.read_global_concurrency_limit_by_name(name)
    except ObjectNotFound:
        with suppress(ObjectAlreadyExists):
            client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=name, limit=1))
        return True
    if limit.limit == 0:
        raise BusyError(
            f"the global concurrency limit {name} in Prefect is 0: no run may start until it is 1 again."
        )
    return limit.active_slots < limit.limit or not limit.active


def increment(client: SyncPrefectClient, name: str, flow_run: UUID) -> str | None:
    """Return the id of a new lease, or None if the slot is taken or there is no such limit."""
    holder = ConcurrencyLeaseHolder(type="flow_run", id=flow_run)
    try:
        answer: Any = client.increment_concurrency_slots_with_lease(
            [name], 1, "concurrency", _FIRST_SECONDS, holder
        ).json()
    except httpx.HTTPStatusError as error:
        if error.response.status_code == httpx.codes.LOCKED:
            return None
        raise
    return str(answer["lease_id"]) if answer["limits"] else None


def tag(client: SyncPrefectClient, name: str, flow_run: UUID) -> None:
    """Tag the run with the limit's name; if it is already, Prefect still notes the time."""
    with suppress(ObjectNotFound):
        tags = client.read_flow_run(flow_run).tags
        client.update_flow_run(flow_run, tags=[*(tag for tag in tags if tag != name), name])


def untag(client: SyncPrefectClient, name: str, flow_run: UUID) -> None:
    """Say that the run does not hold the slot."""
    with suppress(ObjectNotFound):
        tags = client.read_flow_run(flow_run).tags
        if name in tags:
            client.update_flow_run(flow_run, tags=[tag for tag in tags if tag != name])


def holder(client: SyncPrefectClient, name: str, flow_run: UUID) -> str | None:
    """Return the flow run that Prefect takes for running and that has held the slot last."""
    return next((str(run.id) for run in _running(client, name, flow_run)), None)


def _running(client: SyncPrefectClient, name: str, but: UUID) -> list[FlowRun]:
    state = FlowRunFilterState(type=FlowRunFilterStateType(any_=ALIVE))
    found = client.read_flow_runs(
        flow_run_filter=FlowRunFilter(state=state, tags=FlowRunFilterTags(all_=[name])),
        sort=FlowRunSort.START_TIME_DESC,
        limit=5,
    )
    return [run for run in found if run.id != but]
