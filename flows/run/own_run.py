"""The flow run that this process creates: one, whatever Prefect's client repeats, and true in the end.

Prefect's client repeats a request for about a minute. If that is not enough, a run would stay Running for
ever, or Failed although its tables are built.
"""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from prefect import get_client
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings
from prefect.states import Cancelled, Completed, Failed

from flows.errors import DbtFailedError, PipelineError, StoppedError
from flows.run import insides, task_runs
from flows.run.holding import begun
from flows.target import prefect_api

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from prefect import Flow
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun, State

    from flows.engine.results import PipelineReport

    Outcome = PipelineReport | PipelineError

# Seconds between the attempts to settle the run: two minutes in all.
_PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 30.0, 30.0)
_EVENTS_SECONDS = 10.0


class OwnRun:
    """The flow run of this process in Prefect, and what came of the work."""

    def __init__(self) -> None:
        self.key = str(uuid4())
        self.outcome: Outcome | None = None
        self.run_id: UUID | None = None

    @property
    def report(self) -> PipelineReport | None:
        """What dbt did, if it ran."""
        if isinstance(self.outcome, DbtFailedError):
            return self.outcome.report
        return None if isinstance(self.outcome, PipelineError) else self.outcome

    def execute(self, flow: Flow[..., Any], parameters: Mapping[str, Any], directory: Path) -> State[Any]:
        """Create the flow run, run the flow in this process, and return its state.

        Meanwhile it is noted in the target's ``directory``. Raises what Prefect's client raises.
        """
        with get_client(sync_client=True) as client:
            created = insides.create_flow_run(client, flow, parameters, self.key)
        self.run_id = created.id
        with begun.noted(directory, created.id):
            return insides.execute(flow, created)

    def settle(self, message: str) -> bool:
        """Set the run to what came of it, ``message`` telling about it; say if that succeeded.

        The same for its task runs. Costs two requests if all is well. Gives up after about two minutes
        without Prefect.
        """
        for pause in (*_PAUSES, None):
            try:
                with (
                    temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}),
                    get_client(sync_client=True) as client,
                ):
                    return self._settle(client, message)
            except prefect_api.LOST as error:
                if isinstance(error, ObjectNotFound):
                    return True
                if pause is not None:
                    time.sleep(pause)
        return False

    def _settle(self, client: SyncPrefectClient, message: str) -> bool:
        # By its key: Prefect may have created it although its answer was lost.
        for run in insides.flow_runs_of(client, self.key):
            state = self._truth(run, message)
            if state is not None:
                client.set_flow_run_state(run.id, state, force=True)
        if self.run_id is not None:
            # What the events of this process still have to tell goes first.
            insides.send_events(_EVENTS_SECONDS)
            task_runs.settle(client, self.run_id, self.report)
        return True

    def _truth(self, run: FlowRun, message: str) -> State | None:
        """Return the state to set, or None where what Prefect holds is true."""
        if self.run_id is None:
            return Cancelled(message="never started: Prefect's answer to its creation was lost")
        stopped = isinstance(self.outcome, StoppedError)
        well = self.outcome is not None and not isinstance(self.outcome, PipelineError)
        held = run.state
        if held and held.is_final() and (held.is_completed(), held.is_cancelled()) == (well, stopped):
            return None
        if well:
            return Completed(message=message)
        return Cancelled(message=message) if stopped else Failed(message=message)


_current: list[OwnRun] = []


@contextmanager
def followed() -> Iterator[OwnRun]:
    """Follow the flow run that the block executes. One at a time in a process."""
    run = OwnRun()
    _current.append(run)
    logger = logging.getLogger("prefect.flow_runs")
    logger.addFilter(_without_traceback)
    try:
        yield run
    finally:
        logger.removeFilter(_without_traceback)
        _current.remove(run)


def _without_traceback(line: logging.LogRecord) -> bool:
    """Prefect logs its own loss as if the flow's code had raised it; one line says as much."""
    if line.exc_info and prefect_api.lost(line.exc_info[1]):
        line.exc_info = None
    return True


def note(outcome: Outcome) -> None:
    """Keep the outcome of the flow run, if it is followed. Called within the flow."""
    for run in _current:
        run.outcome = outcome
