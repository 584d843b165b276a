from __future__ import annotations

import json

from flows.engine import results
from tests.flows.documents import node


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


def test_a_hook_is_no_node() -> None:
    hook = node("h", "error", kind="hook")
    step = results.step_result([node("a"), hook], 2.0)
    assert (step["status"], step["counts"], step["nodes"]) == ("failed", {"success": 1}, [node("a")])
    assert (step["hooks"], step["failed"]) == ([hook], [hook])
    retried = results.merged(step, results.step_result([{**hook, "status": "success"}], 1.0))
    assert (retried["status"], len(retried["nodes"]), len(retried["hooks"])) == ("success", 1, 1)


def test_a_retry_in_which_dbt_stops_loses_nothing() -> None:
    earlier = results.step_result([node("a"), node("b", "error", message="503")], 2.0)
    step = results.stopped(earlier, "dbt run stopped")
    assert (step["status"], step["message"]) == ("failed", "dbt run stopped")
    assert step["failed"] == earlier["failed"]
