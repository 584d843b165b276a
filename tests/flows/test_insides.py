"""What is used of Prefect's insides still has its effect, on a real server; and no other room uses any."""

from __future__ import annotations

import ast
import threading
import time
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings
from prefect.states import Pending

from flows import pipeline
from flows.errors import SlotLostError
from flows.run import insides, own_run, stopping
from flows.run.holding import deployment_lease
from tests import faults
from tests.asking import ask
from tests.faults import Plan
from tests.flows.servers import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.flows.conftest import Platform

# What Prefect documents, and what flows may use anywhere.
DOCUMENTED = {
    "prefect",
    "prefect.artifacts",
    "prefect.cache_policies",
    "prefect.client.orchestration",
    "prefect.exceptions",
    "prefect.logging",
    "prefect.settings",
    "prefect.states",
}
# Of the client's schemas, the room of the run makes what it asks of Prefect.
IN_THE_ROOM = {f"prefect.client.schemas.{name}" for name in ("actions", "filters", "objects", "sorting")}


def imports(source: str) -> set[str]:
    """The modules of Prefect that a program imports while it runs."""
    tree = ast.parse(source)
    typing = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    ]
    left_out = {id(one) for node in typing for one in ast.walk(node)}
    found = set()
    for node in ast.walk(tree):
        if id(node) in left_out:
            continue
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
        elif isinstance(node, ast.Import):
            found |= {one.name for one in node.names}
    return {name for name in found if name.partition(".")[0] == "prefect"}


def test_one_room_touches_the_insides_of_prefect() -> None:
    wrong = {}
    for path in (ROOT / "flows").rglob("*.py"):
        in_the_room = ROOT / "flows" / "run" in path.parents
        allowed = DOCUMENTED | (IN_THE_ROOM if in_the_room else set())
        if path != ROOT / "flows" / "run" / "insides.py" and (more := imports(path.read_text()) - allowed):
            wrong[str(path.relative_to(ROOT))] = more
    assert wrong == {}


@pytest.fixture
def api(platform: Platform) -> Iterator[str]:
    with temporary_settings({PREFECT_API_URL: platform.prefect}):
        yield platform.prefect


@flow(name="insides")
def heeds(number: int = 1) -> tuple[bool, int, str]:
    """What is told within a flow."""
    run = insides.current_flow_run()
    assert run is not None
    return insides.heeds_sigterm(), number, str(run.id)


@pytest.mark.real
def test_a_run_whose_creation_is_repeated_is_one(api: str) -> None:
    own = own_run.OwnRun()
    with get_client(sync_client=True) as client:
        made = [insides.create_flow_run(client, heeds, {"number": 2}, own.key).id for _ in range(2)]
    assert made[0] == made[1]
    # As where no answer has come back at all.
    assert own.settle("away")
    held = ask("GET", f"{api}/flow_runs/{made[0]}")
    assert (held["state"]["type"], held["parameters"], held["tags"]) == ("CANCELLED", {"number": 2}, [])


@pytest.mark.real
def test_a_flow_is_executed_as_the_run_that_was_created(api: str, tmp_path: Path) -> None:
    own = own_run.OwnRun()
    state = own.execute(heeds, {"number": 3}, tmp_path)
    assert state.result() == (True, 3, str(own.run_id))
    assert ask("GET", f"{api}/flow_runs/{own.run_id}")["state"]["type"] == "COMPLETED"
    assert not insides.heeds_sigterm()
    assert insides.current_flow_run() is None


@pytest.mark.real
def test_a_run_that_has_lost_its_slot_ends_as_a_cancelled_one(
    api: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def work(*_: object) -> None:
        run = insides.current_flow_run()
        assert run is not None
        with stopping.cancellable(run.id, supervised=True):
            assert stopping.stop(SlotLostError("the target tiny is held by another run by now"))
            time.sleep(60.0)

    monkeypatch.setattr(pipeline, "run_pipeline", work)
    assert pipeline.main(["--target", "tiny"]) == 5
    assert capsys.readouterr().err.splitlines()[-1] == "error: the target tiny is held by another run by now"
    newest = ask("POST", f"{api}/flow_runs/filter", {"sort": "START_TIME_DESC", "limit": 1})[0]
    assert newest["state"]["type"] == "CANCELLED"
    assert newest["state"]["message"] == "the target tiny is held by another run by now"


@flow(name="leased")
def leased() -> bool:
    """Whether this project keeps what the deployment's run holds."""
    run = insides.current_flow_run()
    assert run is not None
    assert run.state is not None
    lease = run.state.state_details.deployment_concurrency_lease_id
    return lease is not None and f"lease {lease}" in {thread.name for thread in threading.enumerate()}


@pytest.mark.real
def test_a_run_of_a_deployment_keeps_its_lease_itself(api: str) -> None:
    made = ask("POST", f"{api}/flows/", {"name": leased.name})["id"]
    body = {"name": "one", "flow_id": made, "entrypoint": "x.py:leased", "concurrency_limit": 1}
    deployment = ask("POST", f"{api}/deployments/", body)["id"]
    run = UUID(ask("POST", f"{api}/deployments/{deployment}/create_flow_run", {})["id"])
    with get_client(sync_client=True) as client:
        # As a worker does, which takes the deployment's only place by it.
        client.set_flow_run_state(run, Pending())
        flow_run = client.read_flow_run(run)
    assert insides.execute(leased, flow_run).result() is True


@pytest.mark.real
def test_a_lease_is_renewed_as_soon_as_prefect_is_back(api: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deployment_lease, "_SHARE", 0.005)
    monkeypatch.setattr(deployment_lease, "_PAUSE_AFTER_FAILURE", 0.2)
    ask("POST", f"{api}/v2/concurrency_limits/", {"name": "renewed", "limit": 1})
    body = {"names": ["renewed"], "slots": 1, "mode": "concurrency", "lease_duration": 60}
    lease = UUID(ask("POST", f"{api}/v2/concurrency_limits/increment-with-lease", body)["lease_id"])
    quick = {PREFECT_CLIENT_MAX_RETRIES: 0}
    with faults.proxy(api) as proxy, temporary_settings({PREFECT_API_URL: proxy.url, **quick}):
        with deployment_lease.kept(lease, 60.0, raise_on_lease_renewal_failure=True):
            for plan in (Plan(), Plan(gone_at=1, gone=1.0), Plan()):
                proxy.plan = plan
                answered = 0
                while answered < 3:
                    time.sleep(0.05)
                    answered = plan.counts["requests"] - plan.counts["gone"]
        # One that has run out is given up.
        ask("POST", f"{api}/v2/concurrency_limits/decrement-with-lease", {"lease_id": str(lease)})
        with deployment_lease.kept(lease, 60.0):
            while f"lease {lease}" in {thread.name for thread in threading.enumerate()}:
                time.sleep(0.05)


def test_outside_of_a_flow_no_signal_is_sent() -> None:
    assert not stopping.stop(SlotLostError("lost"))
    assert stopping.asked() is None
