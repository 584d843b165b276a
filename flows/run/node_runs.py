"""Show each node of dbt in Prefect as a task run of the flow run, while it runs.

Nothing here waits for Prefect. States and log lines go where those of Prefect's own tasks go: into two queues
of this process, whose threads send them in batches (prefect/task_engine.py of Prefect 3 does the same).
"""

from __future__ import annotations

import logging
import threading
from contextvars import Context, copy_context
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid5

from prefect.client.schemas.objects import State, StateType, TaskRun, TaskRunResult

from flows.engine.events import Finished, Node, Started
from flows.engine.results import FAILED, HOOK, SKIPPED
from flows.run import insides, node_message

if TYPE_CHECKING:
    from logging import LoggerAdapter

    from flows.engine.events import Event
    from flows.engine.lineage import Lineage


class NodeRuns:
    """Keeps one Prefect task run for each node. Must be made and told of commands within a flow.

    A node that dbt runs again, because the task of its command is retried, keeps its task run and counts up
    ``run_count``. A flow run that Prefect starts again as a whole gets new ones.
    """

    def __init__(self) -> None:
        flow_run = insides.current_flow_run()
        if flow_run is None:
            raise RuntimeError("NodeRuns is for a running flow")
        self._flow_run = flow_run
        self._runs: dict[str, TaskRun] = {}
        self._logs: dict[str, LoggerAdapter[logging.Logger]] = {}
        self._lock = threading.Lock()
        self._context: Context = copy_context()
        self._command = ""
        self._lineage: Lineage | None = None

    def begin(self, command: str, lineage: Lineage) -> None:
        """Let the nodes that start from now on belong to the task that calls this."""
        self._command, self._lineage = command, lineage
        # Prefect finds flow, task and settings in the context, and dbt's threads start with an empty one.
        self._context = copy_context()

    def node(self, event: Event) -> None:
        """Emit the node's new state. Of batches, dbt's log lines tell."""
        context = self._context.copy()
        if isinstance(event, Started):
            context.run(self._start, event)
        elif isinstance(event, Finished):
            context.run(self._finish, event)

    def line(self, node: Node, level: int, message: str) -> None:
        """Log a line into the node's task run."""
        self._context.copy().run(self._log, node, level, message)

    def end(self, error: BaseException | None) -> None:
        """Give nodes under way, of which dbt will tell no more, a final state."""
        with self._lock:
            unfinished = [run for run in self._runs.values() if run.state_type == StateType.RUNNING]
        for run in unfinished:
            if error is not None and not isinstance(error, Exception):
                kind, why = StateType.CANCELLED, f"stopped with the run ({type(error).__name__})"
            else:
                kind, why = StateType.CRASHED, "dbt stopped without a result for this node"
            self._set(run, kind, datetime.now(UTC), message=why)

    def _log(self, node: Node, level: int, message: str) -> None:
        self._run_of(node)
        self._logs[self._key(node)].log(level, message)

    def _start(self, event: Started) -> None:
        run = self._run_of(event.node)
        at: Any = event.at  # Prefect's type is a subclass, which it converts to
        run.start_time = run.start_time or at
        run.run_count += 1
        self._set(run, StateType.RUNNING, event.at, name="Retrying" if run.run_count > 1 else None)

    def _finish(self, event: Finished) -> None:
        run = self._run_of(event.node)
        kind, name = state_of(event.result["status"])
        self._set(run, kind, event.at, name=name, message=node_message.text(event.result))

    def _key(self, node: Node) -> str:
        # A hook runs with each command anew.
        return f"dbt-{self._command} {node.id}" if node.kind == HOOK else node.id

    def _run_of(self, node: Node) -> TaskRun:
        key = self._key(node)
        with self._lock:
            run = self._runs.get(key)
            if run is None:
                run = self._new(node, key)
                self._logs[key] = insides.logger_of(run, self._flow_run)
                self._runs[key] = run
        return run

    def _new(self, node: Node, key: str) -> TaskRun:
        attempt = self._flow_run.run_count
        parent = insides.current_task_run()
        inputs: dict[str, Any] = {"upstream": self._upstream(node)}
        if parent is not None:
            inputs["__parents__"] = [TaskRunResult(id=parent.id)]
        return TaskRun(
            # The same for the same flow run, so that what is sent twice is recorded once.
            id=uuid5(self._flow_run.id, f"{key} {attempt}"),
            name=node.name,
            flow_run_id=self._flow_run.id,
            task_key=f"dbt-{node.kind}",
            dynamic_key=key if attempt <= 1 else f"{key} {attempt}",
            flow_run_run_count=attempt,
            tags=["dbt", node.kind],
            task_inputs=inputs,
        )

    def _upstream(self, node: Node) -> list[TaskRunResult]:
        before = self._lineage.parents(node.id) if self._lineage else []
        return [TaskRunResult(id=self._runs[one].id) for one in before if one in self._runs]

    def _set(
        self,
        run: TaskRun,
        kind: StateType,
        at: datetime,
        *,
        name: str | None = None,
        message: str | None = None,
    ) -> None:
        before = run.state
        if before is not None and before.timestamp >= at:
            at = datetime.now(UTC)  # the server ignores what is not newer
        state: State[Any] = State(type=kind, name=name, timestamp=at, message=message)
        if before is not None and before.is_running():
            run.total_run_time += at - before.timestamp
        if state.is_final():
            end: Any = at
            run.end_time = end
        run.state, run.state_id, run.state_type, run.state_name = state, state.id, state.type, state.name
        insides.tell_state(run, before, state)


def state_of(status: str) -> tuple[StateType, str | None]:
    """Return the type and name of Prefect's state for one of dbt's."""
    if status in FAILED:
        return StateType.FAILED, None
    if status in SKIPPED:
        return StateType.CANCELLED, "Skipped"
    return StateType.COMPLETED, "Warned" if status == "warn" else None
