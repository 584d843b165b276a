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
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.errors import BusyError
from flows.run import stopping
from flows.run.holding import deployment_lease, lease
from flows.run.holding import slot as slot_
from tests import faults
from tests.asking import ask
from tests.faults import Plan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults import Request
    from tests.flows.conftest import Platform

pytestmark = pytest.mark.real

RENEWAL = 0.5
# Longer than anything takes on a busy machine; a few seconds where a test waits for its end.
SILENCE, SHORT_SILENCE = 600.0, 6.0


class Slot:
    """One limit on the server, and the runs that want it."""

    def __init__(self, api: str) -> None:
        self.api = api
        self.name = f"dbt-{uuid4().hex[:8]}"
        self.said: list[str] = []
        self.lost: list[str] = []

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

    def lives(self, run: UUID) -> bool:
        """Show a sign of life of the run, as one that holds the slot does."""
        ask("PATCH", f"{self.api}/flow_runs/{run}", {"tags": [self.name]})
        return True

    def lose(self, lease_id: str) -> None:
        """End a lease, with the slot taken all the same: no renewal can come in between."""
        self.change(active_slots=2)
        ask("POST", f"{self.api}/v2/concurrency_limits/decrement-with-lease", {"lease_id": lease_id})

    def orphan(self) -> None:
        """Leave the slot taken as a server does that has forgotten its leases."""
        body = {"name": self.name, "limit": 1, "active_slots": 1}
        ask("POST", f"{self.api}/v2/concurrency_limits/", body)

    @contextmanager
    def held(self, run: UUID, *, waits: bool = False) -> Iterator[str | None]:
        """Hold it; without ``waits``, as a run that does not wait for others."""

        deadline = time.monotonic() + 300

        def wait(holder: str) -> None:
            if not waits or time.monotonic() > deadline:
                raise BusyError(holder)
            time.sleep(0.1)

        with lease.acquire(self.name, run, wait, self.said.append, self.lost.append) as found:
            yield found


@pytest.fixture
def slot(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slot]:
    # The settings of a process are read once: the server is handed in.
    for module in (lease, slot_):
        monkeypatch.setattr(module, "get_client", lambda sync_client: SyncPrefectClient(platform.prefect))
    monkeypatch.setattr(lease, "_RENEWAL", RENEWAL)
    monkeypatch.setattr(slot_, "SILENCE_SECONDS", SILENCE)
    made = Slot(platform.prefect)
    yield made
    if made.limit():
        ask("DELETE", f"{platform.prefect}/v2/concurrency_limits/{made.name}")


@pytest.fixture
def asked(slot: Slot, monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """What the server has answered to those who asked for the slot."""
    answers: list[str | None] = []
    increment = slot_.increment

    def spied(client: Any, name: str, run: UUID) -> str | None:
        answers.append(increment(client, name, run))
        return answers[-1]

    monkeypatch.setattr(slot_, "increment", spied)
    return answers


def test_a_slot_is_only_taken_over_after_its_lease_and_the_servers_look_at_it() -> None:
    assert slot_.SILENCE_SECONDS > slot_.LEASE_SECONDS + 15


def test_the_holder_is_named_from_before_it_holds(slot: Slot, monkeypatch: pytest.MonkeyPatch) -> None:
    tags = []
    increment = slot_.increment

    def spied(client: Any, name: str, run: UUID) -> str | None:
        tags.append(slot.tags(run))
        return increment(client, name, run)

    monkeypatch.setattr(slot_, "increment", spied)
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
        with pytest.raises(BusyError, match=str(living)), slot.held(slot.run()):
            pass
        # The same run again, from Prefect's page, while its first process lives.
        slot.set_state(living, "RUNNING")
        with pytest.raises(BusyError, match=str(living)), slot.held(living):
            pass
    with slot.held(living):
        pass


def test_a_slot_that_nobody_holds_is_taken_over_by_one_at_a_time(
    slot: Slot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slot_, "SILENCE_SECONDS", SHORT_SILENCE)
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
    assert min(waited) > SHORT_SILENCE
    assert any("which no run seems to hold" in line for line in slot.said)
    limit = slot.limit()
    assert limit
    assert limit["active_slots"] == 0


def test_a_lost_run_that_prefect_takes_for_running_does_not_keep_its_slot(
    slot: Slot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a machine that is lost while Prefect starts anew, and so forgets its leases."""
    lost, waiting = slot.run(), slot.run()
    slot.orphan()
    slot.lives(lost)
    with pytest.raises(BusyError, match=str(lost)), slot.held(slot.run()):
        pass
    monkeypatch.setattr(slot_, "SILENCE_SECONDS", SHORT_SILENCE)
    with slot.held(waiting, waits=True), pytest.raises(BusyError, match=str(waiting)), slot.held(slot.run()):
        pass
    assert (slot.limit() or {}).get("active_slots") == 0


def test_a_lease_that_was_forgotten_is_taken_anew(slot: Slot) -> None:
    with slot.held(slot.run()) as lease_id:
        assert lease_id
        ask("POST", f"{slot.api}/v2/concurrency_limits/decrement-with-lease", {"lease_id": lease_id})
        # At once, or with the next renewal: what has been given back is taken again.
        _until(lambda: (slot.limit() or {}).get("active_slots") == 1)
    assert (slot.limit() or {}).get("active_slots") == 0


def test_a_slot_that_another_run_has_got_meanwhile_is_lost_and_that_is_said_once(
    slot: Slot, asked: list[str | None]
) -> None:
    """As after a Prefect that was away for longer than the lease."""

    def looks_again() -> None:
        """Wait until the holder has asked in vain for its slot, and looked at the other runs, some times."""
        before = len(asked)
        _until(lambda: len(asked) > before + 3)

    first, second, crashed = slot.run(), slot.run(), slot.run()
    # On a machine that is lost: Prefect takes it for running for ever, but it shows no sign of life.
    ask("PATCH", f"{slot.api}/flow_runs/{crashed}", {"tags": [slot.name]})
    with slot.held(first) as lease_id:
        assert lease_id
        # Taken in between by nobody that lives: no reason to stop.
        slot.lose(lease_id)
        looks_again()
        assert slot.lost == []
        # Somebody marks it as crashed: a change, but no life.
        slot.set_state(crashed, "CRASHED")
        looks_again()
        assert slot.lost == []
        # By another run, which shows that it lives.
        _until(lambda: slot.lives(second) and slot.lost)
        time.sleep(2 * RENEWAL)
        assert slot.lost == [str(second)]
    assert asked[1:] == [None] * (len(asked) - 1)


def test_a_slot_is_not_taken_from_one_that_lived_while_this_process_was_stopped(
    slot: Slot, asked: list[str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by SIGSTOP: the time is over when it goes on, but it has not looked meanwhile."""
    monkeypatch.setattr(slot_, "SILENCE_SECONDS", 0.0)
    broken_by = slot_.Silence.broken_by
    first, second = slot.run(), slot.run()
    # Prefect does not take it for running, as where its heartbeats were lost.
    slot.lives(second)
    slot.set_state(second, "CRASHED")

    def lived_meanwhile(silence: slot_.Silence, client: SyncPrefectClient) -> str | None:
        slot.lives(second)
        return broken_by(silence, client)

    monkeypatch.setattr(slot_.Silence, "broken_by", lived_meanwhile)
    with slot.held(first) as lease_id:
        assert lease_id
        slot.lose(lease_id)
        _until(lambda: slot.lost or len(list(filter(None, asked))) > 1)
        assert slot.lost == [str(second)]


def test_a_slot_that_the_server_has_forgotten_the_holder_of_is_taken_back(
    slot: Slot, asked: list[str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slot_, "SILENCE_SECONDS", SHORT_SILENCE)
    with slot.held(slot.run()) as lease_id:
        assert lease_id
        slot.lose(lease_id)
        _until(lambda: len(list(filter(None, asked))) == 2)
        assert slot.lost == []
    # It was this run's: the next one need not wait.
    assert (slot.limit() or {}).get("active_slots") == 0


def test_a_prefect_that_is_away_for_long_is_said(slot: Slot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slot_, "LEASE_SECONDS", 60.0)
    with slot.held(slot.run()):
        monkeypatch.setattr(
            lease, "get_client", lambda sync_client: SyncPrefectClient("http://127.0.0.1:1/api")
        )
        monkeypatch.setattr(slot_, "LEASE_SECONDS", 1.0)
        _until(lambda: any("would start beside this one" in line for line in slot.said))
        monkeypatch.setattr(lease, "get_client", lambda sync_client: SyncPrefectClient(slot.api))


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


def test_threads_beside_a_run_ask_the_server_that_the_run_asks(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a program calls the flow within `temporary_settings`, and the environment names no server."""
    monkeypatch.setattr(stopping, "LOOK_SECONDS", 0.1)
    slot, paths = Slot(platform.prefect), set[str]()

    class Heard(Plan):
        def next(self, request: Request) -> str:
            paths.add(request.path)
            return ""

    run = slot.run()
    look = f"/api/flow_runs/{run}"
    with faults.proxy(platform.prefect, Heard()) as proxy, temporary_settings({PREFECT_API_URL: proxy.url}):
        with slot.held(run) as lease_id:
            _until(lambda: f"/api/v2/concurrency_limits/leases/{lease_id}/renew" in paths)
        paths.clear()
        with stopping.cancellable(run, supervised=False):
            _until(lambda: look in paths)
        with deployment_lease.kept(run, 60.0):
            _until(lambda: f"/api/v2/concurrency_limits/leases/{run}/renew" in paths)


def _until(true: Any) -> None:
    deadline = time.monotonic() + 300
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)
