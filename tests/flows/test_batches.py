"""What is known of the batches of a microbatch model."""

from __future__ import annotations

import pytest

from flows.engine.again.batches import Batches, span_of
from tests.flows.documents import batch, node

YEARLY = node("yearly", "error", message="ERROR")
ID = YEARLY["id"]
BUSY, WRONG = "Exceeded rate limits: too many", "Syntax error at [1:1]"
SPANS = [span_of(batch(year)) for year in (2023, 2024, 2025)]


@pytest.fixture
def batches() -> Batches:
    made = Batches()
    made.plan(ID, SPANS)
    return made


def test_what_has_not_begun_is_dbts_to_plan() -> None:
    assert Batches().left(ID) is None
    assert Batches().whole(YEARLY) == YEARLY


def test_what_was_planned_first_stays(batches: Batches) -> None:
    assert not batches.plan(ID, SPANS[:1])
    assert batches.left(ID) == SPANS


def test_what_may_pass_and_what_did_not_run_is_left(batches: Batches) -> None:
    batches.end(ID, batch(2023))
    batches.end(ID, batch(2024, "error", BUSY))
    assert batches.left(ID) == SPANS[1:]
    assert batches.has_done(ID)


def test_what_failed_for_good_is_not_left(batches: Batches) -> None:
    batches.end(ID, batch(2023, "error", WRONG))
    batches.end(ID, batch(2024, "skipped"))
    assert batches.left(ID) == SPANS[1:]
    assert not batches.has_done(ID)


def test_a_model_that_ended_in_none_of_its_batches_runs_its_last_again(batches: Batches) -> None:
    for year in (2023, 2024, 2025):
        batches.end(ID, batch(year))
    assert batches.left(ID) == SPANS[2:]


def test_a_model_is_what_its_batches_are(batches: Batches) -> None:
    batches.end(ID, batch(2023))
    batches.end(ID, batch(2024, "error", BUSY))
    # dbt has tried only one, which was good.
    partial = batches.whole({**YEARLY, "status": "success", "message": "SUCCESS"})
    assert (partial["status"], partial["rows"], partial["seconds"]) == ("partial success", 10, 2.0)
    assert partial["message"] == (
        "2 of 3 batches are missing:\n"
        f"from 2024-01-01 until 2025-01-01: {BUSY}\nfrom 2025-01-01 until 2026-01-01: not run"
    )
    assert [one["status"] for one in partial["batches"]] == ["success", "error", "skipped"]
    for year in (2024, 2025):
        batches.end(ID, batch(year))
    whole = batches.whole({**YEARLY, "status": "success", "message": "SUCCESS"})
    assert (whole["status"], whole["message"], whole["rows"]) == ("success", "3 batches", 30)


def test_a_model_that_fails_after_its_batches_says_why(batches: Batches) -> None:
    for year in (2023, 2024, 2025):
        batches.end(ID, batch(year))
    assert batches.whole(YEARLY)["status"] == "error"
    assert batches.whole(YEARLY)["message"] == "ERROR"
