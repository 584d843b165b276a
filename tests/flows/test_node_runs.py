"""Each node as a task run, on a real Prefect server but without dbt."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run, task_run
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.engine.events import Finished, Node, Started
from flows.run.node_runs import NodeRuns
from tests.asking import ask
from tests.flows import documents
from tests.flows.conftest import Platform

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.real

PEOPLE = Node("seed.tiny.people", "people", "seed")
GREETINGS = Node("model.tiny.greetings", "greetings", "model")


LINEAGE = documents.lineage(
    documents.parsed(PEOPLE.id),
    documents.parsed("model.tiny.named", (PEOPLE.id,), ephemeral=True),
    documents.parsed(GREETINGS.id, ("model.tiny.named",)),
)


def started(node: Node) -> Started:
    return Started(node, datetime.now(UTC))


def finished(node: Node, status: str = "success", message: str = "") -> Finished:
    result = documents.node(
        node.name, status, kind=node.kind, message=message, seconds=0.5, rows=1200, bytes_processed=2048
    )
    return Finished(node, datetime.now(UTC), {**result, "bytes_billed": 10485760})


@pytest.fixture
def connected(platform: Platform) -> Iterator[Platform]:
    with temporary_settings({PREFECT_API_URL: platform.prefect}):
        yield platform


def record(what: Callable[[NodeRuns], None]) -> tuple[str, str]:
    """Do something with NodeRuns in a task of a flow; return the ids of the flow run and the task run."""
    ids: list[str] = []

    @task(cache_policy=NO_CACHE)
    def dbt_run(runs: Any) -> None:
        ids.append(task_run.id)
        runs.begin("run", LINEAGE)
        what(runs)

    @flow(name="nodes")
    def nodes() -> str:
        dbt_run(NodeRuns())
        return str(flow_run.id)

    return nodes(), ids[0]


def node_runs(platform: Platform, run_id: str, states: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Wait until Prefect's recorder has written these states; return the task runs by name."""
    deadline = time.monotonic() + 300
    while True:
        found = {one["name"]: one for one in platform.of_run("task_runs", run_id) if "dbt" in one["tags"]}
        now = {name: f"{one['state_type']} {one['state_name']}" for name, one in found.items()}
        if now == states or time.monotonic() > deadline:
            assert now == states
            return found
        time.sleep(0.2)


def history(platform: Platform, task_run: dict[str, Any]) -> list[str]:
    url = f"{platform.prefect}/task_run_states/?task_run_id={task_run['id']}"
    return [state["name"] for state in sorted(ask("GET", url), key=lambda one: one["timestamp"])]


def logs(platform: Platform, task_run_id: str) -> list[dict[str, Any]]:
    """Wait for the log lines of a task run; Prefect sends them every two seconds."""
    deadline = time.monotonic() + 300
    body = {"logs": {"task_run_id": {"any_": [task_run_id]}}}
    while True:
        lines: list[dict[str, Any]] = ask("POST", f"{platform.prefect}/logs/filter", body)
        if lines or time.monotonic() > deadline:
            return lines
        time.sleep(0.2)


def test_a_retried_node_keeps_its_task_run(connected: Platform) -> None:
    def work(runs: NodeRuns) -> None:
        runs.node(started(PEOPLE))
        runs.node(finished(PEOPLE))
        runs.node(started(GREETINGS))
        runs.line(GREETINGS, 40, "a line of greetings")
        runs.node(finished(GREETINGS, "error", "503 Backend error"))
        runs.end(None)
        runs.begin("run", LINEAGE)
        runs.node(started(GREETINGS))
        runs.node(finished(GREETINGS))
        runs.end(None)

    run_id, parent = record(work)
    states = {"people": "COMPLETED Completed", "greetings": "COMPLETED Completed"}
    found = node_runs(connected, run_id, states)
    greetings = found["greetings"]
    assert greetings["run_count"] == 2
    assert history(connected, greetings) == ["Running", "Failed", "Retrying", "Completed"]
    assert greetings["state"]["message"] == "1,200 rows · 2.0 KiB processed · 10.0 MiB billed · 0.50 s"
    assert greetings["start_time"] < greetings["end_time"]
    # `greetings` reads the ephemeral model `named`, which reads `people`.
    inputs = {name: [one["id"] for one in ids] for name, ids in greetings["task_inputs"].items()}
    assert inputs == {"upstream": [found["people"]["id"]], "__parents__": [parent]}
    [line] = logs(connected, greetings["id"])
    assert (line["message"], line["level"], line["flow_run_id"]) == ("a line of greetings", 40, run_id)


@pytest.mark.parametrize(
    ("error", "state"),
    [(KeyboardInterrupt(), "CANCELLED Cancelled"), (RuntimeError("dbt broke"), "CRASHED Crashed")],
)
def test_nodes_under_way_end_with_their_command(
    connected: Platform, error: BaseException, state: str
) -> None:
    def work(runs: NodeRuns) -> None:
        runs.node(started(PEOPLE))
        runs.node(finished(PEOPLE))
        runs.node(started(GREETINGS))
        runs.end(error)

    run_id, _ = record(work)
    node_runs(connected, run_id, {"people": "COMPLETED Completed", "greetings": state})


def test_other_ends_have_names_of_their_own(connected: Platform) -> None:
    def work(runs: NodeRuns) -> None:
        runs.node(started(PEOPLE))
        runs.node(finished(PEOPLE, "warn"))
        runs.node(finished(GREETINGS, "skipped"))

    run_id, _ = record(work)
    found = node_runs(connected, run_id, {"people": "COMPLETED Warned", "greetings": "CANCELLED Skipped"})
    assert history(connected, found["greetings"]) == ["Skipped"]
    assert found["greetings"]["run_count"] == 0


def test_a_hook_has_a_task_run_with_each_command(connected: Platform) -> None:
    hook = Node("operation.tiny.tiny-on-run-end-0", "tiny-on-run-end-0", "hook")

    def work(runs: NodeRuns) -> None:
        runs.node(started(hook))
        runs.node(finished(hook, "error", "Not found: Table audit"))
        runs.end(None)
        runs.begin("test", LINEAGE)
        runs.node(started(hook))
        runs.node(finished(hook))
        runs.end(None)

    run_id, _ = record(work)
    deadline = time.monotonic() + 300
    states: list[str] = []
    while len(states) < 2 and time.monotonic() < deadline:
        found = [one for one in connected.of_run("task_runs", run_id) if "hook" in one["tags"]]
        states = sorted(one["state_type"] for one in found if one["state_type"] != "RUNNING")
    assert states == ["COMPLETED", "FAILED"]
