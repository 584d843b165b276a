"""What Prefect is told of a run after the fact."""

from __future__ import annotations

import json
import logging
from uuid import uuid4

import httpx
import pytest
from prefect.client.schemas.objects import FlowRun, State
from prefect.context import TagsContext
from prefect.states import Completed, Failed, Pending, Running

from flows.engine.results import PipelineReport, not_run
from flows.errors import DbtFailedError, UnreachableError
from flows.run.record import Record, kept, lost, note, tasks_untagged

REPORT: PipelineReport = {
    "target": "dev",
    "run": not_run("failed", "x"),
    "test": not_run("skipped", "x"),
}
OURS = uuid4()


def told(outcome: object, held: State, *, other: bool = False) -> str | None:
    """The type of the state that is set on a run that Prefect holds in another one."""
    record = Record()
    record.run_id = OURS
    record.outcome = outcome  # type: ignore[assignment]
    run = FlowRun(id=uuid4() if other else OURS, flow_id=uuid4(), state=held)
    state = record._truth(run, "why")
    return state.type.value if state else None


def test_what_is_true_is_left_alone() -> None:
    assert told(REPORT, Completed()) is None
    assert told(DbtFailedError("no", REPORT), Failed()) is None
    assert told(REPORT, Pending(), other=True) == "CANCELLED"
    assert told(REPORT, Completed(), other=True) is None


def test_a_run_that_prefect_did_not_hear_the_end_of_is_ended() -> None:
    assert told(REPORT, Running()) == "COMPLETED"
    assert told(REPORT, Failed()) == "COMPLETED"
    assert told(DbtFailedError("no", REPORT), Running()) == "FAILED"
    assert told(UnreachableError("away"), Pending()) == "FAILED"
    assert told(None, Running()) == "FAILED"


def test_id_and_outcome_are_kept_only_while_a_record_is() -> None:
    note(run_id=OURS, outcome=REPORT)
    with kept() as record:
        assert (record.run_id, record.outcome) == (None, None)
        note(run_id=str(OURS))
        note(outcome=REPORT)
        assert (record.run_id, record.outcome) == (OURS, REPORT)
    note(outcome=UnreachableError("later"))
    assert record.outcome == REPORT


def test_prefect_is_lost_only_where_prefect_says_so() -> None:
    for cause in (httpx.ConnectError("away"), json.JSONDecodeError("no JSON", "<html>", 0)):
        error = RuntimeError("Failed to reach API")
        error.__cause__ = cause
        assert lost(error)
        assert lost(cause) == isinstance(cause, httpx.HTTPError)
    assert not lost(RuntimeError("can't start new thread"))
    assert not lost(RecursionError())
    assert not lost(None)


def test_tasks_ask_prefect_for_no_slot_of_the_runs_tag() -> None:
    with kept() as record:
        assert TagsContext.get().current_tags == {record.tag}
        with tasks_untagged():
            assert not TagsContext.get().current_tags


def test_a_lost_prefect_is_logged_without_a_traceback(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    logger = logging.getLogger("prefect.flow_runs")
    # Not those that send the lines to Prefect.
    monkeypatch.setattr(logger, "handlers", [caplog.handler])
    monkeypatch.setattr(logger, "propagate", False)
    with kept():
        for error in (httpx.ConnectError("away"), ValueError("a mistake in the code")):
            try:
                raise error
            except type(error):
                logger.exception("Encountered exception during execution: %r", error)
    assert [bool(line.exc_info) for line in caplog.records] == [False, True]
    assert "away" in caplog.records[0].getMessage()
