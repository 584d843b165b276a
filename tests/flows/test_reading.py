"""dbt's results and events, read into words of our own."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from flows.engine.internals import reading
from flows.engine.internals.reading import Reader

READER = Reader(lambda text: text.replace("secret", "*****"), lambda _: None)


def dbt_result(**changes: Any) -> SimpleNamespace:
    """What `flows.engine.internals.reading` reads of dbt's RunResult."""
    return SimpleNamespace(
        **{
            "node": SimpleNamespace(
                unique_id="model.tiny.greetings",
                name="greetings",
                resource_type=SimpleNamespace(value="model"),
            ),
            "status": "success",
            "execution_time": 1.23456,
            "message": "CREATE TABLE (3.0 rows) secret",
            "adapter_response": {"rows_affected": 3, "bytes_processed": 10, "bytes_billed": 20},
            "failures": None,
            **changes,
        }
    )


def test_a_node_is_read_from_dbt() -> None:
    read = READER.result(dbt_result())
    assert (read["id"], read["kind"], read["status"]) == ("model.tiny.greetings", "model", "success")
    assert (read["seconds"], read["rows"], read["bytes_billed"]) == (1.235, 3, 20)
    assert read["message"] == "CREATE TABLE (3.0 rows) *****"


def test_a_skipped_node_has_no_response() -> None:
    read = READER.result(dbt_result(status="skipped", adapter_response=None, message=None))
    assert (read["rows"], read["bytes_billed"], read["message"]) == (None, None, None)


def test_a_hook_says_what_bigquery_said() -> None:
    hook = SimpleNamespace(
        unique_id="operation.x.x-on-run-end-0", name="x-on-run-end-0", resource_type="operation"
    )
    read = READER.result(
        dbt_result(node=hook, status="error", message="x.on-run-end.0 failed, error:\n Not found")
    )
    assert (read["kind"], read["name"], read["message"]) == ("hook", "x-on-run-end-0", "Not found")


def test_a_unit_test_is_a_test() -> None:
    unit = SimpleNamespace(unique_id="unit_test.tiny.x", name="x", resource_type="unit_test")
    assert READER.result(dbt_result(node=unit))["kind"] == "test"


@pytest.mark.parametrize(
    ("status", "age", "told"),
    [("pass", 30.0, "30 seconds"), ("warn", 7 * 86_400.0, "7.0 days"), ("fail", 9_000.0, "2.5 hours")],
)
def test_a_stale_source_fails_as_a_test_does(status: str, age: float, told: str) -> None:
    source = SimpleNamespace(unique_id="source.x.raw.a", name="a", resource_type="source")
    dbts = "error" if status == "fail" else status
    read = READER.result(dbt_result(node=source, status=dbts, age=age))
    assert (read["status"], read["message"]) == (status, f"the newest row of a is {told} old")


def test_a_node_has_the_name_that_tells_it_from_others() -> None:
    named = Reader(str, {"model.tiny.greetings": "greetings.v2"}.get)
    assert named.result(dbt_result())["name"] == "greetings.v2"


def parsed(node_id: str, **changes: Any) -> SimpleNamespace:
    """A node as dbt's manifest has it."""
    kind, package, name = node_id.split(".")[:3]
    return SimpleNamespace(
        **{"unique_id": node_id, "resource_type": kind, "package_name": package, "name": name, **changes}
    )


def test_a_manifest_is_read() -> None:
    nodes = [
        parsed("seed.p.s"),
        parsed("model.p.dim.v2", version=2, depends_on_nodes=["seed.p.s"], is_ephemeral_model=True),
        parsed(
            "test.p.attached.0a", attached_node="seed.p.s", depends_on_nodes=["seed.p.s", "model.p.dim.v2"]
        ),
        parsed("test.p.singular", attached_node=None, depends_on_nodes=["seed.p.s"]),
        parsed("operation.p.p-on-run-end-0"),
    ]
    manifest = SimpleNamespace(
        nodes={one.unique_id: one for one in nodes},
        sources={"source.p.raw.s": parsed("source.p.raw.s", name="s", source_name="raw")},
        unit_tests={"unit_test.p.dim.adds": parsed("unit_test.p.dim.adds", name="adds", model="dim")},
        functions={},
    )
    found = reading.lineage(manifest)
    ids = ("seed.p.s", "model.p.dim.v2", "source.p.raw.s", "unit_test.p.dim.adds")
    assert [found.name(one) for one in ids] == ["s", "dim.v2", "raw.s", "dim::adds"]
    assert found.hooks() == {"operation.p.p-on-run-end-0"}
    assert found.tests_of(("seed",)) == {"test.p.attached.0a", "test.p.singular"}
    assert found.parents("model.p.dim.v2") == ["seed.p.s"]
    assert found.parents("test.p.attached.0a") == ["seed.p.s"]
