"""Task runs whose end Prefect has not heard, on a real server."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.engine.results import PipelineReport, step_result
from flows.run import ended, own_run, task_runs
from tests.asking import ask
from tests.flows.conftest import Platform
from tests.flows.documents import node

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.real

# Their keys, as node_runs gives them, or of a task; and what the report below says of them.
ENDS = {
    "model.tiny.good": "COMPLETED",
    "model.tiny.bad": "FAILED",
    "model.tiny.after": "CANCELLED",
    "dbt-run-abc": "FAILED",
    "dbt-test-abc": "CANCELLED",
    "unknown": "CRASHED",
}
REPORT: PipelineReport = {
    "target": "dev",
    "run": step_result([node("good"), node("bad", "error"), node("after", "skipped")], 1.0),
    "test": {**step_result([], 0.0), "status": "skipped"},
}


class Held:
    """A flow run in Prefect, with a running task run for each of ENDS."""

    def __init__(self, api: str, state: str) -> None:
        self.api = api
        flow = ask("POST", f"{api}/flows/", {"name": "unheard"})
        held = {"state": {"type": state}}
        self.id = UUID(ask("POST", f"{api}/flow_runs/", {"flow_id": flow["id"], **held})["id"])
        for key in ENDS:
            run = {"flow_run_id": str(self.id), "name": key, "task_key": "x", "dynamic_key": key}
            ask("POST", f"{api}/task_runs/", {**run, "state": {"type": "RUNNING"}})

    def states(self) -> dict[str, str]:
        body = {"flow_runs": {"id": {"any_": [str(self.id)]}}}
        return {run["name"]: run["state_type"] for run in ask("POST", f"{self.api}/task_runs/filter", body)}


@pytest.fixture
def api(platform: Platform) -> Iterator[str]:
    with temporary_settings({PREFECT_API_URL: platform.prefect}):
        yield platform.prefect


def test_each_is_set_to_what_dbt_said_of_it(api: str) -> None:
    other, held = Held(api, "RUNNING"), Held(api, "COMPLETED")
    with get_client(sync_client=True) as client:
        task_runs.settle(client, held.id, REPORT, looks=2)
    assert held.states() == ENDS
    assert set(other.states().values()) == {"RUNNING"}


def test_a_run_settles_its_own(api: str) -> None:
    held, own = Held(api, "COMPLETED"), own_run.OwnRun()
    own.run_id, own.outcome = held.id, REPORT
    assert own.settle("all is well")
    assert held.states() == ENDS


def test_those_of_a_crashed_run_have_crashed(api: str) -> None:
    held = Held(api, "RUNNING")
    ended.mark_crashed(str(held.id), "it was killed")
    assert set(held.states().values()) == {"CRASHED"}
