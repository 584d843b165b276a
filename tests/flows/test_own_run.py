"""What Prefect is told of a run after the fact."""

from __future__ import annotations

import logging
from uuid import UUID, uuid4

import httpx
import pytest
from prefect.client.schemas.objects import FlowRun, State
from prefect.states import Cancelled, Completed, Failed, Pending, Running

from flows.engine.results import PipelineReport, not_run
from flows.errors import DbtFailedError, StoppedError, UnreachableError
from flows.run.own_run import OwnRun, followed, note

REPORT: PipelineReport = {
    "target": "dev",
    "run": not_run("failed", "x"),
    "test": not_run("skipped", "x"),
}
OURS = uuid4()


def told(outcome: object, held: State, run_id: UUID | None = OURS) -> str | None:
    """The type of the state that is set on a run that Prefect holds in another one."""
    own = OwnRun()
    own.run_id = run_id
    own.outcome = outcome  # type: ignore[assignment]
    state = own._truth(FlowRun(id=OURS, flow_id=uuid4(), state=held), "why")
    return state.type.value if state else None


def test_what_is_true_is_left_alone() -> None:
    assert told(REPORT, Completed()) is None
    assert told(DbtFailedError("no", REPORT), Failed()) is None
    assert told(StoppedError("lost"), Cancelled()) is None


def test_a_run_that_prefect_did_not_hear_the_end_of_is_ended() -> None:
    assert told(REPORT, Running()) == "COMPLETED"
    assert told(REPORT, Failed()) == "COMPLETED"
    assert told(DbtFailedError("no", REPORT), Running()) == "FAILED"
    assert told(UnreachableError("away"), Pending()) == "FAILED"
    assert told(None, Running()) == "FAILED"
    assert told(StoppedError("lost"), Running()) == "CANCELLED"
    # Created, although the answer was lost.
    assert told(UnreachableError("away"), Pending(), None) == "CANCELLED"


def test_an_outcome_is_kept_only_while_a_run_is_followed() -> None:
    note(REPORT)
    with followed() as own:
        assert own.outcome is None
        note(REPORT)
    note(UnreachableError("later"))
    assert own.outcome == REPORT


def test_a_lost_prefect_is_logged_without_a_traceback(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    logger = logging.getLogger("prefect.flow_runs")
    # Not those that send the lines to Prefect.
    monkeypatch.setattr(logger, "handlers", [caplog.handler])
    monkeypatch.setattr(logger, "propagate", False)
    with followed():
        for error in (httpx.ConnectError("away"), ValueError("a mistake in the code")):
            try:
                raise error
            except type(error):
                logger.exception("Encountered exception during execution: %r", error)
    assert [bool(line.exc_info) for line in caplog.records] == [False, True]
    assert "away" in caplog.records[0].getMessage()
