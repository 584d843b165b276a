"""End the task runs of a flow run that is over, where Prefect has not heard of their end.

Their states travel as events over a websocket. Without the last one, a task run would stay Running for ever.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    TaskRunFilter,
    TaskRunFilterState,
    TaskRunFilterStateType,
)
from prefect.client.schemas.objects import State, StateType, TaskRun

from flows.run.node_runs import state_of

if TYPE_CHECKING:
    from uuid import UUID

    from prefect.client.orchestration import SyncPrefectClient

    from flows.engine.results import PipelineReport

# The server takes a moment to write down the events that it has.
LOOKS, _PAUSE = 10, 0.5
_UNFINISHED = [StateType.SCHEDULED, StateType.PENDING, StateType.RUNNING, StateType.PAUSED]


def settle(
    client: SyncPrefectClient, flow_run: UUID, report: PipelineReport | None = None, looks: int = LOOKS
) -> None:
    """Set each unfinished task run to what the report says of it, to Crashed if it says nothing.

    Looks up to ``looks`` times, half a second apart, if there are any. Raises what Prefect's client raises.
    """
    while (left := _unfinished(client, flow_run)) and looks > 1:
        looks -= 1
        time.sleep(_PAUSE)
    statuses = _statuses(report) if report else {}
    for run in left:
        status = statuses.get(run.dynamic_key) or statuses.get(run.name.rpartition("-")[0])
        kind, name = state_of(status) if status else (StateType.CRASHED, None)
        state: State[Any] = State(type=kind, name=name, message="its end was told to Prefect afterwards")
        client.set_task_run_state(run.id, state, force=True)


def _unfinished(client: SyncPrefectClient, flow_run: UUID) -> list[TaskRun]:
    states = TaskRunFilterState(type=TaskRunFilterStateType(any_=_UNFINISHED))
    return client.read_task_runs(
        flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[flow_run])),
        task_run_filter=TaskRunFilter(state=states),
    )


def _statuses(report: PipelineReport) -> dict[str, str]:
    """Return dbt's word for each node, by its id, and for each command, by the name of its task."""
    found = {}
    for name in ("freshness", "run", "test"):
        step: Any = report.get(name)
        if step:
            found[f"dbt-{name}"] = "error" if step["status"] == "failed" else step["status"]
            found |= {node["id"]: node["status"] for node in step["nodes"]}
            found |= {f"dbt-{name} {hook['id']}": hook["status"] for hook in step["hooks"]}
    # Where both were one command.
    ends = [report["run"]["status"], report["test"]["status"]]
    found["dbt-build"] = "error" if "failed" in ends else ends[0]
    found |= {f"dbt-build {hook['id']}": hook["status"] for hook in report["run"]["hooks"]}
    return found
