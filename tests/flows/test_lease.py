"""Who holds a target's slot in Prefect: on a real server, with leases and waits of a few seconds."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from prefect.client.orchestration import SyncPrefectClient

from flows.errors import BusyError
from flows.run import lease
from tests.asking import ask

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.flows.conftest import Platform

pytestmark = pytest.mark.real

RENEWAL, SILENCE = 0.5, 6.0


class Slot:
    """One limit on the server, and the runs that want it."""

    def __init__(self, api: str) -> None:
        self.api = api
        self.name = f"dbt-{uuid4().hex[:8]}"
        self.said: list[str] = []

    def run(self) -> UUID:
        """A flow run that Prefect takes for running."""
        flow = ask("POST", f"{self.api}/flows/", {"name": "leases"})
        run = UUID(ask("POST", f"{self.api}/flow_runs/", {"flow_id": flow["id"]})["id"])
        self.set_state(run, "RUNNING")
        return run

    def set_state(self, run: UUID, to: str) -> None:
        ask("POST", f"{self.api}/flow_runs/{run}/set_state", {"state": {"type": to}, "force": True})

    def tags(self, run: UUID) -> list[str]:
        return list(ask("GET", f"{self.api}/flow_runs/{run}")["tags"])

    def limit(self) -> dict[str, Any] | None:
        found = ask("POST", f"{self.api}/v2/concurrency_limits/filter", {"limit": 200})
        return next((one for one in found if one["name"] == self.name), None)

    def change(self, **body: int) -> None:
        ask("PATCH", f"{self.api}/v2/concurrency_limits/{self.name}", body)

    def orphan(self) -> None:
        """Leave the slot taken as a server does that has forgotten its leases."""
        body = {"name": self.name, "limit": 1, "active_slots": 1}
        ask("POST", f"{self.api}/v2/concurrency_limits/", body)

    @contextmanager
    def held(self, run: UUID, *, waits: bool = False) -> Iterator[str | None]:
        """Hold it; without ``waits``, as a run that does not wait for others."""

        deadline = time.monotonic() + 60

        def wait(holder: str) -> None:
            if not waits or time.monotonic() > deadline:
                raise BusyError(holder)
            time.sleep(0.1)

        with lease.acquire(self.name, run, wait, self.said.append) as found:
            yield found


@pytest.fixture
def slot(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slot]:
    # The settings of a process are read once: the server is handed in.
    monkeypatch.setattr(lease, "get_client", lambda sync_client: SyncPrefectClient(platform.prefect))
    monkeypatch.setattr(lease, "_RENEWAL", RENEWAL)
    monkeypatch.setattr(lease, "SILENCE_SECONDS", SILENCE)
    made = Slot(platform.prefect)
    yield made
    if made.limit():
        ask("DELETE", f"{platform.prefect}/v2/concurrency_limits/{made.name}")


def test_a_slot_is_only_taken_over_after_its_lease_and_the_servers_look_at_it() -> None:
    assert lease.SILENCE_SECONDS > lease.LEASE_SECONDS + 15


def test_the_holder_is_named_from_before_it_holds(slot: Slot, monkeypatch: pytest.MonkeyPatch) -> None:
    tags = []
    increment = lease._increment

    def spied(client: Any, name: str, run: UUID) -> str | None:
        tags.append(slot.tags(run))
        return increment(client, name, run)

    monkeypatch.setattr(lease, "_increment", spied)
    first, second = slot.run(), slot.run()
    with slot.held(first):
        with pytest.raises(BusyError, match=str(first)), slot.held(second):
            pass
        # What only waits is not taken for the holder.
        assert slot.tags(second) == []
    assert tags == [[slot.name]]
    limit = slot.limit()
    assert limit
    assert (limit["limit"], limit["active_slots"]) == (1, 0)


def test_a_run_that_lives_keeps_its_slot_whatever_prefect_calls_it(slot: Slot) -> None:
    living = slot.run()
    with slot.held(living):
        slot.set_state(living, "CRASHED")
        start = time.monotonic()
        with pytest.raises(BusyError, match=str(living)), slot.held(slot.run()):
            pass
        assert time.monotonic() - start < SILENCE
        # The same run again, from Prefect's page, while its first process lives.
        slot.set_state(living, "RUNNING")
        with pytest.raises(BusyError, match=str(living)), slot.held(living):
            pass
    with slot.held(living):
        pass


def test_a_slot_that_nobody_holds_is_taken_over_by_one_at_a_time(slot: Slot) -> None:
    slot.orphan()
    holding = threading.Lock()
    start = time.monotonic()
    # Tagged from an earlier life each, as two runs are that were retried.
    runs = [slot.run(), slot.run()]
    for run in runs:
        ask("PATCH", f"{slot.api}/flow_runs/{run}", {"tags": [slot.name]})

    def work(run: UUID) -> float:
        with slot.held(run, waits=True):
            assert holding.acquire(blocking=False)
            waited = time.monotonic() - start
            time.sleep(1.0)
            holding.release()
            return waited

    with ThreadPoolExecutor(2) as pool:
        waited = list(pool.map(work, runs))
    assert min(waited) > SILENCE
    assert any("which no run seems to hold" in line for line in slot.said)
    limit = slot.limit()
    assert limit
    assert limit["active_slots"] == 0


def test_a_lease_that_was_forgotten_is_taken_anew(slot: Slot) -> None:
    with slot.held(slot.run()) as lease_id:
        assert lease_id
        ask("POST", f"{slot.api}/v2/concurrency_limits/decrement-with-lease", {"lease_id": lease_id})
        # At once, or with the next renewal: what has been given back is taken again.
        _until(lambda: (slot.limit() or {}).get("active_slots") == 1)
    assert (slot.limit() or {}).get("active_slots") == 0


def test_a_limit_that_is_deleted_under_a_run_stays_away(slot: Slot) -> None:
    """As `pulumi destroy` does. Nobody makes it again, and the run ends well."""
    with slot.held(slot.run()) as lease_id:
        ask("DELETE", f"{slot.api}/v2/concurrency_limits/{slot.name}")
        ask("POST", f"{slot.api}/v2/concurrency_limits/decrement-with-lease", {"lease_id": lease_id})
        time.sleep(3 * RENEWAL)
    assert slot.limit() is None


def test_a_limit_of_none_lets_nobody_in(slot: Slot) -> None:
    slot.orphan()
    slot.change(limit=0, active_slots=0)
    with pytest.raises(BusyError, match=f"the global concurrency limit {slot.name} in Prefect is 0"):
        slot.held(slot.run()).__enter__()


def _until(true: Any) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)
