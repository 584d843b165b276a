"""What the flow uses of Prefect's insides: names that its documentation does not promise. Nobody else does.

Read in Prefect 3.9.1. tests/flows/test_insides.py fails where one of them has no effect any more.
"""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Any

from prefect import flow_engine
from prefect.client.schemas.actions import FlowRunCreate
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterIdempotencyKey
from prefect.client.schemas.objects import FlowRun, State
from prefect.context import FlowRunContext, TaskRunContext
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import PrefectConsoleHandler
from prefect.logging.loggers import task_run_logger
from prefect.states import Pending, to_state_create
from prefect.utilities.callables import parameter_schema
from prefect.utilities.engine import emit_task_run_state_change_event, is_prefect_sigterm_handler_installed
from prefect.utilities.urls import url_for
from pydantic_core import to_jsonable_python

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

    from prefect import Flow
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import TaskRun


# Writes Prefect's log lines to the terminal.
ConsoleHandler = PrefectConsoleHandler


def create_flow_run(
    client: SyncPrefectClient, flow: Flow[..., Any], parameters: Mapping[str, Any], key: str
) -> FlowRun:
    """Create the flow run of this key; if Prefect has it already, return that.

    Prefect's client repeats a request whose answer is lost. Its own method sends no key, so that each of
    them would create another run (prefect/client/orchestration/_flow_runs/client.py).
    """
    pending: State[Any] = Pending()
    wanted = FlowRunCreate(
        flow_id=client.create_flow(flow),
        flow_version=flow.version,
        parameters={name: _as_json(value) for name, value in parameters.items()},
        state=to_state_create(pending),
        idempotency_key=key,
    )
    answer = client.request("POST", "/flow_runs/", json=wanted.model_dump(mode="json", exclude_unset=True))
    return FlowRun.model_validate(answer.json())


def _as_json(value: Any) -> Any:
    """Return what JSON can hold of a parameter, as `Flow.serialize_parameters` does with the help of FastAPI.

    To import that takes longer than all the rest of a flow run's creation.
    """
    try:
        return to_jsonable_python(value)
    except ValueError:
        return f"<{type(value).__name__}>"


def flow_runs_of(client: SyncPrefectClient, key: str) -> list[FlowRun]:
    """Return the flow run of this key, if Prefect has it."""
    ours = FlowRunFilter(idempotency_key=FlowRunFilterIdempotencyKey(any_=[key]))
    return client.read_flow_runs(flow_run_filter=ours)


def execute(flow: Flow[..., Any], flow_run: FlowRun) -> State[Any]:
    """Run the flow in this process as the flow run that was created, and return its state.

    As `prefect.engine`, which a worker starts, does it.
    """
    state: Any = flow_engine.run_flow(flow, flow_run=flow_run, return_type="state")
    return state  # type: ignore[no-any-return]


def keep_deployment_leases(kept: Callable[..., contextlib.AbstractContextManager[None]]) -> None:
    """Let ``kept(lease_id, seconds)`` keep what a deployment's run holds of its `concurrency_limit`.

    Prefect's engine ends the flow itself when it fails to renew that (prefect/concurrency/_leases.py).
    """
    vars(flow_engine)["maintain_concurrency_lease"] = kept


def current_flow_run() -> FlowRun | None:
    """Return the flow run that this thread works for, with its state as it was at its start."""
    context = FlowRunContext.get()
    return context.flow_run if context else None


def current_task_run() -> TaskRun | None:
    """Return the task run that this thread works for."""
    context = TaskRunContext.get()
    return context.task_run if context else None


def tell_state(run: TaskRun, before: State[Any] | None, state: State[Any]) -> None:
    """Send the new state of a task run that Prefect's engine does not know of. Does not wait for Prefect."""
    emit_task_run_state_change_event(run, before, state)


def logger_of(run: TaskRun, flow_run: FlowRun) -> logging.LoggerAdapter[logging.Logger]:
    """Return a logger whose lines Prefect shows with the task run. Does not wait for Prefect."""
    return task_run_logger(run, flow_run=flow_run)


def send_events(seconds: float) -> None:
    """Wait until what this process has to tell by `tell_state` is sent, at most so long."""
    EventsWorker.drain_all(timeout=seconds)


def heeds_sigterm() -> bool:
    """Say whether a SIGTERM to this process ends its flow, by a TerminationSignal, and nothing else."""
    return is_prefect_sigterm_handler_installed()


def page(flow_run: UUID) -> str | None:
    """Return the address of Prefect's page about a flow run."""
    return url_for("flow-run", obj_id=flow_run)


def parameters_of(flow: Flow[..., Any]) -> dict[str, Any]:
    """Return the JSON Schema by which Prefect checks and shows the parameters of a run."""
    found: dict[str, Any] = parameter_schema(flow).model_dump_for_openapi()
    return found
