from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from flows.engine import retry
from flows.engine.results import step_result
from tests.flows.documents import node

BUSY = "Database Error in model a (models/a.sql)\n  Exceeded rate limits: too many table update operations"
WRONG = "Database Error in model w (models/w.sql)\n  division by zero: 1 / 0"


def manifest(**parents: str) -> Any:
    """A manifest in which each node reads from the nodes named."""
    nodes = {
        f"model.tiny.{name}": SimpleNamespace(depends_on_nodes=[f"model.tiny.{one}" for one in read.split()])
        for name, read in parents.items()
    }
    return SimpleNamespace(nodes=nodes, unit_tests={})


def test_what_failed_for_good_is_left_with_all_that_reads_from_it() -> None:
    graph = manifest(a="", w="", below_a="a", ephemeral="w", below_w="ephemeral", below_both="below_a w")
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
    assert retry.after_failure(step, manifest(found="", refused="")) == {"model.tiny.refused"}


def test_what_is_left_after_a_crash_is_of_the_command() -> None:
    listed = [
        json.dumps({"unique_id": name, "resource_type": kind, "config": {"materialized": materialized}})
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
    assert retry.after_crash(None, "run", []) == set()
