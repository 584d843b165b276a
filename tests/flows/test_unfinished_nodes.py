from __future__ import annotations

from typing import TYPE_CHECKING

from flows.engine.again import retry
from flows.engine.results import step_result
from tests.flows import documents
from tests.flows.documents import batch, node

if TYPE_CHECKING:
    from flows.engine.lineage import Lineage
    from flows.engine.results import BatchResult

BUSY = "Database Error in model a (models/a.sql)\n  Exceeded rate limits: too many table update operations"
WRONG = "Database Error in model w (models/w.sql)\n  division by zero: 1 / 0"


def lineage(**parents: str) -> Lineage:
    """A project in which each node reads from the nodes named."""
    return documents.lineage(
        *(
            documents.parsed(f"model.tiny.{name}", tuple(f"model.tiny.{one}" for one in read.split()))
            for name, read in parents.items()
        )
    )


def test_what_failed_for_good_is_left_with_all_that_reads_from_it() -> None:
    graph = lineage(a="", w="", below_a="a", ephemeral="w", below_w="ephemeral", below_both="below_a w")
    step = step_result(
        [
            node("fine"),
            node("a", "error", message=BUSY),
            node("w", "error", message=WRONG),
            *(node(name, "skipped") for name in ("below_a", "below_w", "below_both")),
        ],
        1.0,
    )
    assert retry.after_failure(step, graph) == {"model.tiny.a", "model.tiny.below_a"}


def test_a_test_that_found_rows_is_left_and_a_refused_key_is_not() -> None:
    step = step_result(
        [
            node("found", "fail", message="Got 3 results, configured to fail if != 0"),
            node("refused", "error", message="('invalid_grant: Invalid JWT Signature.', {})"),
        ],
        1.0,
    )
    assert retry.after_failure(step, lineage(found="", refused="")) == {"model.tiny.refused"}


def test_what_is_left_after_a_crash_is_of_the_command() -> None:
    listed = [
        {"unique_id": name, "resource_type": kind, "config": {"materialized": materialized}}
        for name, kind, materialized in (
            ("m.a", "model", "table"),
            ("m.b", "model", "view"),
            ("m.e", "model", "ephemeral"),
            ("t.a", "test", "test"),
            ("u.a", "unit_test", None),
        )
    ]
    assert retry.after_crash(listed, "run", ["m.a"]) == {"m.b"}
    assert retry.after_crash(listed, "test", ["t.a"]) == {"u.a"}
    assert retry.after_crash([], "run", []) == set()


def test_a_model_of_which_a_batch_may_pass_is_tried_and_what_reads_from_it_waits_for_all_of_it() -> None:
    graph = lineage(yearly="", below="yearly")
    busy, wrong = batch(2024, "error", BUSY), batch(2025, "error", WRONG)

    def left(*batches: BatchResult) -> set[str]:
        yearly = node("yearly", "partial success", message="2 batches", batches=list(batches))
        return retry.after_failure(step_result([yearly, node("below", "skipped")], 1.0), graph)

    assert left(batch(2023), busy) == {"model.tiny.yearly", "model.tiny.below"}
    assert left(busy, wrong) == {"model.tiny.yearly"}
    assert left(batch(2023), wrong) == set()
    assert left(wrong, batch(2026, "skipped")) == set()


def test_a_hook_that_failed_is_left() -> None:
    hook = node("h", "error", kind="hook", message=BUSY)
    later = node("i", "skipped", kind="hook")
    step = step_result([node("a"), hook, later], 1.0)
    assert retry.after_failure(step, lineage(a="")) == {hook["id"], later["id"]}
