from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from flows.engine import results
from tests.flows.documents import node


def dbt_result(**changes: Any) -> SimpleNamespace:
    """What `flows.engine.results` reads of dbt's RunResult."""
    return SimpleNamespace(
        **{
            "node": SimpleNamespace(
                unique_id="model.tiny.greetings",
                name="greetings",
                resource_type=SimpleNamespace(value="model"),
            ),
            "status": "success",
            "execution_time": 1.23456,
            "message": "CREATE TABLE (3.0 rows)",
            "adapter_response": {"rows_affected": 3, "bytes_processed": 10, "bytes_billed": 20},
            "failures": None,
            **changes,
        }
    )


def test_a_node_is_read_from_dbt() -> None:
    read = results.node_result(dbt_result(), str.upper)
    assert (read["id"], read["kind"], read["status"]) == ("model.tiny.greetings", "model", "success")
    assert (read["seconds"], read["rows"], read["bytes_billed"]) == (1.235, 3, 20)
    assert read["message"] == "CREATE TABLE (3.0 ROWS)"


def test_a_skipped_node_has_no_response() -> None:
    read = results.node_result(dbt_result(status="skipped", adapter_response=None, message=None), str)
    assert (read["rows"], read["bytes_billed"], read["message"]) == (None, None, None)


def test_a_unit_test_is_a_test() -> None:
    unit = SimpleNamespace(unique_id="unit_test.tiny.x", name="x", resource_type="unit_test")
    assert results.node_result(dbt_result(node=unit), str)["kind"] == "test"


def test_a_step_sums_up_its_nodes() -> None:
    step = results.step_result([node("a", rows=3, bytes_billed=5), node("b", rows=4), node("c", "warn")], 2.0)
    assert (step["status"], step["counts"]) == ("success", {"success": 2, "warn": 1})
    assert (step["rows"], step["bytes_billed"], step["failed"]) == (7, 5, [])
    json.dumps(step)


def test_a_step_fails_with_a_node() -> None:
    step = results.step_result([node("a", "error", message="no"), node("b", "skipped")], 2.0)
    assert (step["status"], step["counts"]) == ("failed", {"error": 1, "skipped": 1})
    assert [failed["name"] for failed in step["failed"]] == ["a"]


def test_nothing_to_do_is_success() -> None:
    assert results.step_result([], 0.1)["status"] == "success"


def test_a_retry_takes_the_place_of_what_failed() -> None:
    earlier = results.step_result([node("a"), node("b", "error"), node("c", "skipped")], 2.0)
    step = results.merged(earlier, results.step_result([node("b"), node("c")], 1.0))
    assert (step["status"], step["counts"], step["seconds"]) == ("success", {"success": 3}, 3.0)


def test_a_step_that_was_not_run_says_why() -> None:
    step = results.not_run("skipped", "because")
    assert (step["status"], step["message"], step["nodes"]) == ("skipped", "because", [])


@pytest.mark.parametrize(
    ("status", "age", "told"),
    [("pass", 30.0, "30 seconds"), ("warn", 7 * 86_400.0, "7.0 days"), ("fail", 9_000.0, "2.5 hours")],
)
def test_a_stale_source_fails_as_a_test_does(status: str, age: float, told: str) -> None:
    source = SimpleNamespace(unique_id="source.x.raw.a", name="a", resource_type="source")
    dbts = "error" if status == "fail" else status
    read = results.source_result(dbt_result(node=source, status=dbts, age=age), str)
    assert (read["status"], read["message"]) == (status, f"the newest row of a is {told} old")
