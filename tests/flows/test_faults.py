"""The flow between faulty proxies: a few seeds of what `python -m benchmarks.flow_faults` does."""

from __future__ import annotations

import socket
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tests import faults
from tests.faults import Plan, Request
from tests.flows import faulty_runs
from tests.flows.faulty_runs import PARTS, as_the_worker_reports, wrong_ending, wrong_record, wrong_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.flows.faulty_runs import Lane, Run

GROWING = ("added", "history")
OLD: dict[str, Any] = {name: {1: (rows, rows)} for name, (_, _, rows) in PARTS.items()}
NEW: dict[str, Any] = {
    name: {**(OLD[name] if name in GROWING else {}), 2: (rows, rows)} for name, (_, _, rows) in PARTS.items()
}
BATCHES = [name for name in PARTS if name.startswith("batched ")]


def test_a_table_is_old_or_new() -> None:
    assert wrong_tables(0, 2, OLD, NEW) == []
    assert wrong_tables(1, 2, OLD, {**OLD, "rebuilt": NEW["rebuilt"]}) == []
    assert len(wrong_tables(0, 2, OLD, {**NEW, "above": OLD["above"]})) == 1
    assert len(wrong_tables(1, 2, OLD, {**OLD, "rebuilt": {2: (99, 99)}})) == 1
    assert len(wrong_tables(1, 2, OLD, {**OLD, "added": {1: (100, 100), 2: (200, 100)}})) == 1
    assert len(wrong_tables(1, 2, OLD, {name: OLD[name] for name in OLD if name != "loaded"})) == 1


def test_a_batch_is_old_or_new() -> None:
    first, second = BATCHES[:2]
    assert wrong_tables(1, 2, OLD, {**OLD, first: NEW[first]}) == []
    assert wrong_tables(1, 1, {}, {first: OLD[first]}) == []
    assert len(wrong_tables(0, 2, OLD, {**NEW, second: OLD[second]})) == 1
    assert len(wrong_tables(1, 2, OLD, {name: OLD[name] for name in OLD if name != second})) == 1
    assert len(wrong_tables(1, 2, OLD, {**OLD, first: {**OLD[first], **NEW[first]}})) == 1


def test_the_record_says_what_the_exit_code_says() -> None:
    assert wrong_record(0, [{"state_type": "COMPLETED"}], []) == []
    assert wrong_record(4, [], []) == []
    assert len(wrong_record(0, [{"state_type": "FAILED"}], [])) == 1
    assert len(wrong_record(1, [{"state_type": "COMPLETED"}], [])) == 1
    assert len(wrong_record(4, [{"state_type": "RUNNING"}], [])) == 1
    not_begun = {"state_type": "SCHEDULED", "state_name": "Scheduled"}
    assert wrong_record(1, [as_the_worker_reports(not_begun)], []) == []
    again = {"state_type": "SCHEDULED", "state_name": "AwaitingRetry"}
    assert len(wrong_record(1, [as_the_worker_reports(again)], [])) == 1
    assert len(wrong_record(0, [{"state_type": "COMPLETED"}], ["above RUNNING"])) == 1


def test_an_ending_is_in_time_documented_and_clear() -> None:
    assert wrong_ending(0, "") == []
    assert wrong_ending(4, "error: Prefect does not answer") == []
    assert len(wrong_ending(None, "")) == 1
    assert len(wrong_ending(3, "error: not set up")) == 1
    assert len(wrong_ending(1, "Killed")) == 1
    assert len(wrong_ending(4, "error: it\nTraceback (most recent call last):\n")) == 1


def test_a_seed_gives_the_same_faults_again() -> None:
    def fates(plan: Plan) -> list[str]:
        return [plan.next(Request()) for _ in range(200)]

    assert fates(Plan(7, share=0.2)) == fates(Plan(7, share=0.2))
    assert set(fates(Plan(7, share=0.2))) == {*faults.EVERY_FAULT, ""}


def test_an_open_connection_ends_when_the_server_goes() -> None:
    with socket.create_server(("127.0.0.1", 0)) as upstream:
        url = f"http://127.0.0.1:{upstream.getsockname()[1]}"
        with faults.proxy(url) as proxy, socket.create_connection(("127.0.0.1", proxy.server_port)) as here:
            here.settimeout(30)
            here.sendall(b"GET /events HTTP/1.1\r\nupgrade: websocket\r\n\r\n")
            there, _ = upstream.accept()
            with there:
                there.settimeout(30)
                there.recv(1000)
                there.sendall(b"hello")
                assert here.recv(5) == b"hello"
                proxy.plan = Plan(gone_at=1, gone=60.0)
                assert proxy.plan.next(Request()) == "gone"
                with pytest.raises(ConnectionResetError):
                    here.recv(1)
                assert there.recv(1) == b""


def test_an_old_token_is_refused() -> None:
    plan = Plan(token_lives=0.5)
    assert plan.next(Request(authorization=f"Bearer {faults.issue_token()['access_token']}")) == ""
    assert plan.next(Request(authorization="Bearer token-made-1000.0")) == "401 before"


@pytest.fixture(scope="module")
def lane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lane]:
    with faulty_runs.lanes(tmp_path_factory.mktemp("faults"), 1) as lanes:
        # Nothing is spoiled: what the other runs may leave as it was.
        first = lanes[0].run_with(0, Plan(), Plan())
        assert (first.code, first.wrong) == (0, []), first.output
        yield lanes[0]


@pytest.mark.real
def test_faults_of_both_services_leave_order(lane: Lane) -> None:
    seen: Counter[str] = Counter()
    plans = [
        # Prefect is gone while the run ends, and some of what BigQuery answers is lost.
        (Plan(1, gone_at=8, gone=4.0), Plan(1, share=0.1, slow=0.2, faults=faults.BIGQUERY_FAULTS), False),
        # Prefect spoils a fifth.
        (Plan(2, share=0.2, slow=0.2, faults=faults.FAULTS), Plan(), False),
        # It goes in the midst of a run that a worker has started.
        (Plan(3, gone_at=30, gone=4.0), Plan(), True),
    ]
    for seed, (prefect, bigquery, scheduled) in enumerate(plans):
        run = lane.run_with(seed, prefect, bigquery, scheduled=scheduled)
        assert run.wrong == [], run.output
        seen += run.faults
    assert seen["prefect: gone"]


@pytest.fixture(scope="module")
def interrupted(lane: Lane) -> Run:
    """A run that loses its tokens before BigQuery, and the answer to its end before Prefect."""
    return lane.run_with(0, EndLost(), TokenWearsOut())


@pytest.mark.real
def test_a_token_that_dies_within_the_run_is_replaced(interrupted: Run) -> None:
    assert interrupted.faults["bigquery: 401 before"] > 1
    assert (interrupted.code, interrupted.wrong) == (0, []), interrupted.output


@pytest.mark.real
def test_an_answer_lost_as_the_run_ends_changes_nothing(interrupted: Run) -> None:
    """The server has Completed, the client asks again, and gets the state back without its data."""
    assert interrupted.faults["prefect: 503 after"] == 1
    # That of the target: a task that asks for one, too, fails the run if Prefect is away.
    assert interrupted.faults["prefect: slots"] == 1
    assert (interrupted.code, interrupted.wrong) == (0, []), interrupted.output


@pytest.mark.real
def test_a_scheduled_run_whose_end_meets_a_prefect_that_is_away_is_completed(lane: Lane) -> None:
    """Away for longer than Prefect's client is patient: it asks twice here, in two seconds.

    Once would not do: a busy server refuses one of two writers before that, and no report is stored.
    """
    plan = GoneAtTheEnd()
    impatient = {"PREFECT_CLIENT_MAX_RETRIES": "1"}
    run = lane.run_with(0, plan, Plan(), scheduled=True, environment=impatient)
    assert plan.counts["gone"] > 1, run.output
    assert "waiting for Prefect, which is away" in run.output
    assert (run.code, run.wrong) == (0, []), run.output


class GoneAtTheEnd(Plan):
    """Away for twelve seconds from the moment on at which the run, its tables built, stores its report."""

    def _fate(self, request: Request) -> str:
        if request.path.endswith("/artifacts/") and not self.gone:
            self.gone_at, self.gone = self.counts["requests"], 12.0
        return super()._fate(request)


@dataclass
class TokenWearsOut(Plan):
    """Refuses a token that was used five times: unlike its age, that is the same on a busy machine."""

    uses: Counter[str] = field(default_factory=Counter)

    def next(self, request: Request) -> str:
        self.counts["requests"] += 1
        self.uses[request.authorization] += 1
        if self.uses[request.authorization] > 5:
            self.counts["401 before"] += 1
            return "401 before"
        return ""


class EndLost(Plan):
    """Spoils the answer to the second change of the flow run's state: Running, then Completed."""

    def next(self, request: Request) -> str:
        self.counts["requests"] += 1
        self.counts["slots"] += request.path.endswith("/increment-with-lease")
        if request.path.endswith("/set_state"):
            self.counts["set_state"] += 1
            if self.counts["set_state"] == 2:
                self.counts["503 after"] += 1
                return "503 after"
        return ""
