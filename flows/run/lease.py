"""The slot of a target in Prefect: a global concurrency limit of 1, held on a lease.

The limit is the stack's; the first run of a target without a stack makes it. A run has the limit's name among
its tags from just before the slot is its own, so that others find who holds it; one that waits has not. With
each renewal it is tagged anew: a sign of life, whatever Prefect takes its state to be.
"""

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

from flows.errors import BusyError
from flows.run import dangling
from flows.target import blocks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prefect.client.orchestration import SyncPrefectClient

# Prefect may be away for so long before another run is let in; so long, and 15 s more, a machine that is lost
# still counts as the holder. Prefect grants 60 s or more.
LEASE_SECONDS = 120.0
_RENEWAL = 15.0
# The least that Prefect grants, until the first renewal: if its answer is lost, so is the slot for so long.
_FIRST_SECONDS = 60.0
# Prefect looks for leases that have run out every 15 s. A slot is taken over when nobody has shown a sign of
# life for longer than that and a lease: the lease is then over or forgotten, and so cannot end later and free
# the slot again under the one who has taken it over.
SILENCE_SECONDS = LEASE_SECONDS + 2 * 15.0
_PREFECT = (httpx.HTTPError, RuntimeError)
_NO_LIMITS = {401, 403, 404, 405}
_ALIVE = [StateType.RUNNING, StateType.CANCELLING, StateType.PAUSED]


@contextmanager
def acquire(
    name: str, flow_run: UUID, wait: Callable[[str], None], say: Callable[[str], None]
) -> Iterator[str | None]:
    """Hold the slot ``name`` while the block runs; yield the lease's id, or None if Prefect keeps no limits.

    While another holds it, ``wait`` is called with that flow run's id; it waits, or raises. A slot that seems
    to be nobody's is waited for, SILENCE_SECONDS at most, and ``say`` is told. Raises UnreachableError if
    Prefect is away, BusyError if the limit is 0.
    """
    try:
        with get_client(sync_client=True) as client:
            held = _Lease(name, flow_run, _take(client, name, flow_run, wait, say))
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
        pause = 0.0  # the first lease is a short one
        while not self._ended.wait(pause):
            pause = _RENEWAL
            with suppress(*_PREFECT), get_client(sync_client=True) as client:
                self._renew(client)
                _tag(client, self._name, self._flow_run)

    def _renew(self, client: SyncPrefectClient) -> None:
        try:
            client.renew_concurrency_lease(UUID(self.id), LEASE_SECONDS)
        except httpx.HTTPStatusError as error:
            if error.response.status_code != httpx.codes.GONE:
                raise
            # Prefect was away for longer than the lease, or has forgotten it over a new start.
            self.id = _increment(client, self._name, self._flow_run) or self.id
            if self._ended.is_set():
                give_back(self.id)


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
            dangling.settle(client, found.id, looks=1)


def _take(
    client: SyncPrefectClient,
    name: str,
    flow_run: UUID,
    wait: Callable[[str], None],
    say: Callable[[str], None],
) -> str:
    tagged = True  # perhaps: a run that is retried was tagged in its earlier life
    silence: _Silence | None = None
    while True:
        if _is_free(client, name):
            _tag(client, name, flow_run)
            tagged, silence = True, None
            granted = _increment(client, name, flow_run)
            if granted:
                return granted
        if tagged:
            _untag(client, name, flow_run)
            tagged = False
        holder = _holder(client, name, flow_run)
        if holder is None:
            if silence is None:
                silence = _Silence(client, name)
                say(
                    f"the slot {name} in Prefect is taken, which no run seems to hold: waiting up to "
                    f"{SILENCE_SECONDS:.0f} s until it is free"
                )
            holder = silence.broken_by(client)
        if holder is not None:
            silence = None
            wait(holder)
        elif silence is not None and silence.is_long:
            _take_over(client, name, flow_run)
            tagged, silence = True, None
        else:
            time.sleep(1.0)


class _Silence:
    """The time since when no run, of those that ever held a slot, has shown a sign of life."""

    def __init__(self, client: SyncPrefectClient, name: str) -> None:
        self._name = name
        self._began = time.monotonic()
        self._marks = self._read(client)

    def broken_by(self, client: SyncPrefectClient) -> str | None:
        """Return the flow run that lives although Prefect does not take it for running, if there is one."""
        marks = self._read(client)
        moved = (run for run, mark in marks.items() if self._marks.setdefault(run, mark) != mark)
        return next(map(str, moved), None)

    @property
    def is_long(self) -> bool:
        """Say if a lease would have run out meanwhile."""
        return time.monotonic() - self._began > SILENCE_SECONDS

    def _read(self, client: SyncPrefectClient) -> dict[UUID, object]:
        ever = FlowRunFilter(tags=FlowRunFilterTags(all_=[self._name]))
        found = client.read_flow_runs(flow_run_filter=ever, sort=FlowRunSort.START_TIME_DESC, limit=50)
        return {run.id: run.updated for run in found}


def _take_over(client: SyncPrefectClient, name: str, flow_run: UUID) -> None:
    """Free a slot that nobody holds; of several runs that try, at most one does.

    Each is tagged before it looks for others: the later one sees the earlier.
    """
    _tag(client, name, flow_run)
    if _holder(client, name, flow_run) is None:
        with suppress(ObjectNotFound):
            client.update_global_concurrency_limit(name, GlobalConcurrencyLimitUpdate(active_slots=0))


def _is_free(client: SyncPrefectClient, name: str) -> bool:
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


def _increment(client: SyncPrefectClient, name: str, flow_run: UUID) -> str | None:
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


def _tag(client: SyncPrefectClient, name: str, flow_run: UUID) -> None:
    """Tag the run with the limit's name; if it is already, Prefect still notes the time."""
    with suppress(ObjectNotFound):
        tags = client.read_flow_run(flow_run).tags
        client.update_flow_run(flow_run, tags=[*(tag for tag in tags if tag != name), name])


def _untag(client: SyncPrefectClient, name: str, flow_run: UUID) -> None:
    with suppress(ObjectNotFound):
        tags = client.read_flow_run(flow_run).tags
        if name in tags:
            client.update_flow_run(flow_run, tags=[tag for tag in tags if tag != name])


def _holder(client: SyncPrefectClient, name: str, flow_run: UUID) -> str | None:
    """Return the flow run that Prefect takes for running and that has held the slot last."""
    state = FlowRunFilterState(type=FlowRunFilterStateType(any_=_ALIVE))
    found = client.read_flow_runs(
        flow_run_filter=FlowRunFilter(state=state, tags=FlowRunFilterTags(all_=[name])),
        sort=FlowRunSort.START_TIME_DESC,
        limit=5,
    )
    return next((str(run.id) for run in found if run.id != flow_run), None)
