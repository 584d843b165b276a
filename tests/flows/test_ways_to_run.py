"""Ways to run beside run-then-test, and in which order things are built."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace as Object
from typing import Any

import pytest

from flows.commands.options import Options, from_parameters
from flows.engine.again import retry
from flows.engine.arguments import Command, of_command
from flows.engine.internals import seeds
from flows.engine.results import parted, step_result
from flows.errors import UsageError
from flows.run.task_runs import _statuses
from tests.flows.documents import node


def words(command: Command, **options: Any) -> str:
    made = of_command(
        command,
        profile="p",
        target="dev",
        project_dir=Path("/p"),
        profiles_dir=Path("/t"),
        options=Options(**options),
    )
    return " ".join(made)


def test_build_is_dbts_own_with_tests_between() -> None:
    said = words("build", unit_tests=False, select=("a",), full_refresh=True)
    assert said.startswith(
        "build --exclude-resource-type exposure --exclude-resource-type saved_query --select a"
    )
    assert "--exclude-resource-type unit_test" in said
    assert "--exclude-resource-type test" not in said
    assert "--full-refresh" in said


def test_each_command_gets_what_it_takes() -> None:
    times = {"event_time_start": "2026-01-01", "event_time_end": "2026-01-02"}
    given = {"selector": "nightly", "threads": 7, "empty": True, **times}
    for command in ("run", "build"):
        for one in ("--selector nightly", "--threads 7", "--empty", "--event-time-start 2026-01-01"):
            assert one in words(command, **given)
    assert "--selector nightly" in words("test", **given)
    assert "--threads 7" in words("test", **given)
    assert "--selector nightly" in words("list", **given)
    for command in ("test", "list", "parse"):
        assert "--empty" not in words(command, **given)  # type: ignore[arg-type]
        assert "--event-time" not in words(command, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"selector": "nightly", "select": "a"}, "dbt takes a selector alone"),
        ({"threads": 0}, "--threads 0: give a number from 1 to 64"),
        ({"event_time_start": "2026-01-01"}, "go together"),
        ({"event_time_start": "soon", "event_time_end": "2026-01-01"}, "--event-time-start 'soon'"),
        ({"event_time_start": "2026-01-02", "event_time_end": "2026-01-01"}, "is not before"),
    ],
)
def test_what_can_not_be_is_refused(given: dict[str, Any], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        from_parameters(**given)


def test_what_decides_which_nodes_run_is_the_same_in_a_resumed_run() -> None:
    for given in ({"build": True}, {"selector": "a"}, {"empty": True}):
        assert from_parameters(**given).work != from_parameters().work
    assert from_parameters(threads=3).work == from_parameters().work
    assert from_parameters(selector="a").narrows


def test_after_a_crash_a_build_has_all_kinds_left() -> None:
    listed = [{"unique_id": kind, "resource_type": kind} for kind in ("model", "test", "seed", "unit_test")]
    assert retry.after_crash(listed, "build", {"seed"}) == {"model", "test", "unit_test"}
    assert retry.after_crash(listed, "run", {"seed"}) == {"model"}


def test_a_build_is_reported_as_run_and_test() -> None:
    hook = node("on-run-end", kind="hook")
    run, test = parted(step_result([node("a"), hook, node("b", "pass", kind="test")], 3.0))
    assert (run["status"], test["status"]) == ("success", "success")
    assert ([one["name"] for one in run["nodes"]], len(run["hooks"])) == (["a"], 1)
    assert [one["name"] for one in test["nodes"]] == ["b"]
    failing = [node("a"), node("b", "fail", kind="test"), node("c", "skipped")]
    run, test = parted(step_result(failing, 3.0))
    assert (run["status"], test["status"]) == ("skipped", "failed")
    found = _statuses({"target": "dev", "run": run, "test": test})
    assert found["dbt-build"] == "error"
    run, test = parted({**step_result([], 0.0), "status": "failed", "message": "dbt build stopped: why"})
    assert (run["status"], run["message"], test["status"]) == ("failed", "dbt build stopped: why", "success")


def table(name: str, kind: str, schema: str, **given: Any) -> Any:
    made = {
        "unique_id": f"{kind}.{name}",
        "resource_type": kind,
        "database": "p",
        "schema": schema,
        "alias": name,
        "identifier": name,
    }
    return Object(**made | given)


def test_who_reads_a_seed_as_a_source_waits_for_the_seed() -> None:
    reader = table("a", "model", "x", depends_on=Object(nodes=["source.raw"]))
    other = table("b", "model", "x", depends_on=Object(nodes=["source.else"]))
    seed = table("raw", "seed", "landing", depends_on=Object())
    manifest = Object(
        nodes={one.unique_id: one for one in (reader, other, seed)},
        sources={
            "source.raw": table("raw", "source", "landing"),
            "source.else": table("raw", "source", "elsewhere"),
        },
    )
    for _ in range(2):
        seeds.come_before_their_readers(manifest)
    assert reader.depends_on.nodes == ["source.raw", "seed.raw"]
    assert other.depends_on.nodes == ["source.else"]
