"""Make Prefect's record of a run true in the end, even if Prefect was away while the run began or ended.

Prefect's client repeats a request for about a minute. If that is not enough, a run would stay Running for
ever, or Failed although its tables are built; and a run whose creation was answered by a lost connection
would stay Pending, for the client creates a second one. All runs that one process creates carry one tag.
"""

from __future__ import annotations

import json
import logging
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import httpx
from prefect import get_client, tags
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags
from prefect.context import TagsContext
from prefect.events.worker import EventsWorker
from prefect.exceptions import Abort, MissingResult, ObjectNotFound, PrefectHTTPStatusError
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings
from prefect.states import Cancelled, Completed, Failed

from flows.errors import DbtFailedError, PipelineError
from flows.run import dangling

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun, State

    from flows.engine.results import PipelineReport

    Outcome = PipelineReport | PipelineError

# How Prefect's client fails: no answer, an answer that is an error, an error at its first request, and a
# state that had been set already when its first answer was lost: it comes back without its data.
LOST = (httpx.HTTPError, PrefectHTTPStatusError, RuntimeError, Abort, MissingResult)
# Seconds between the attempts to settle the record: two minutes in all.
_PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 30.0, 30.0)
_EVENTS_SECONDS = 10.0


def lost(error: object) -> bool:
    """Say if an error means that Prefect is lost: one of LOST, but a RuntimeError only as Prefect raises it.

    Python, too, raises RuntimeError: for a recursion without end, or a thread that cannot be started.
    """
    if isinstance(error, RuntimeError):
        # Where Prefect cannot be reached, or something else answers in its place.
        return isinstance(error.__cause__, httpx.HTTPError | json.JSONDecodeError)
    return isinstance(error, LOST)


class Record:
    """The runs that this process creates in Prefect, and what came of the work."""

    def __init__(self) -> None:
        self.tag = f"process-{uuid4().hex[:12]}"
        self.outcome: Outcome | None = None
        self.run_id: UUID | None = None

    @property
    def report(self) -> PipelineReport | None:
        """What dbt did, if it ran."""
        if isinstance(self.outcome, DbtFailedError):
            return self.outcome.report
        return None if isinstance(self.outcome, PipelineError) else self.outcome

    def settle(self, message: str) -> bool:
        """Set each of the runs to what came of it, ``message`` telling about it; say if that succeeded.

        The same for the task runs. Costs two requests if all is well. Gives up after about two minutes
        without Prefect.
        """
        for pause in (*_PAUSES, None):
            try:
                with (
                    temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}),
                    get_client(sync_client=True) as client,
                ):
                    return self._settle(client, message)
            except LOST as error:
                if isinstance(error, ObjectNotFound):
                    return True
                if pause is not None:
                    time.sleep(pause)
        return False

    def _settle(self, client: SyncPrefectClient, message: str) -> bool:
        ours = FlowRunFilter(tags=FlowRunFilterTags(all_=[self.tag]))
        for run in client.read_flow_runs(flow_run_filter=ours):
            state = self._truth(run, message)
            if state is not None:
                client.set_flow_run_state(run.id, state, force=True)
        if self.run_id is not None:
            # What the events of this process still have to tell goes first.
            EventsWorker.drain_all(timeout=_EVENTS_SECONDS)
            dangling.settle(client, self.run_id, self.report)
        return True

    def _truth(self, run: FlowRun, message: str) -> State | None:
        """Return the state to set, or None where what Prefect holds is true."""
        if self.run_id is not None and run.id != self.run_id:
            if run.state and run.state.is_final():
                return None
            return Cancelled(message="never started: Prefect's answer to its creation was lost")
        well = self.outcome is not None and not isinstance(self.outcome, PipelineError)
        if run.state and run.state.is_final() and run.state.is_completed() == well:
            return None
        return Completed(message=message) if well else Failed(message=message)


_current: list[Record] = []


@contextmanager
def kept() -> Iterator[Record]:
    """Keep a record of the flow run that the block starts. One at a time in a process."""
    record = Record()
    _current.append(record)
    logger = logging.getLogger("prefect.flow_runs")
    logger.addFilter(_without_traceback)
    try:
        with tags(record.tag):
            yield record
    finally:
        logger.removeFilter(_without_traceback)
        _current.remove(record)


@contextmanager
def tasks_untagged() -> Iterator[None]:
    """Keep the tag of `kept` from the tasks that the block starts.

    Prefect asks for a slot of each tag before it starts a task, and fails the run if it is away then.
    """
    with TagsContext(current_tags=set()):
        yield


def _without_traceback(line: logging.LogRecord) -> bool:
    """Prefect logs its own loss as if the flow's code had raised it; one line says as much."""
    if line.exc_info and lost(line.exc_info[1]):
        line.exc_info = None
    return True


def note(run_id: UUID | str | None = None, outcome: Outcome | None = None) -> None:
    """Keep the id or the outcome of the flow run, if a record of it is kept. Called within the flow."""
    for record in _current:
        if run_id is not None:
            record.run_id = UUID(str(run_id))
        if outcome is not None:
            record.outcome = outcome
