"""Have dbt run the nodes that are left: `dbt retry` finds them in a run_results.json, written here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from flows.options import Options

# What dbt's `retry` needs to know of the run before it (source: dbt.task.retry and run-results/v6.json).
_SCHEMA = "https://schemas.getdbt.com/dbt/run-results/v6.json"
_TESTS = ["test", "unit_test"]


def left(listed: Iterable[str] | None, command: str, done: Iterable[str]) -> list[str]:
    """Return the ids of the nodes that a command has still to run, from the lines that `dbt list` gives."""
    nodes = [json.loads(line) for line in listed or []]
    finished = set(done)
    return [
        node["unique_id"]
        for node in nodes
        if (node["resource_type"] in _TESTS) == (command == "test")
        and node.get("config", {}).get("materialized") != "ephemeral"
        and node["unique_id"] not in finished
    ]


def write_run_results(target_path: Path, command: str, nodes: Iterable[str], options: Options) -> None:
    """Write what makes `dbt retry` run just these nodes, as the command would have."""
    args = {
        "which": "test" if command == "test" else "build",
        "exclude_resource_types": [] if command == "test" else _TESTS,
        "full_refresh": options.full_refresh,
        "vars": json.loads(options.variables or "{}"),
        "use_colors": False,
    }
    skipped: list[dict[str, Any]] = [
        {
            "unique_id": node,
            "status": "skipped",
            "timing": [],
            "thread_id": "",
            "execution_time": 0.0,
            "adapter_response": {},
            "message": None,
            "failures": None,
            "compiled": None,
            "compiled_code": None,
            "relation_name": None,
        }
        for node in nodes
    ]
    content = {
        "metadata": {"dbt_schema_version": _SCHEMA},
        "args": args,
        "results": skipped,
        "elapsed_time": 0.0,
    }
    target_path.mkdir(parents=True, exist_ok=True)
    (target_path / "run_results.json").write_text(json.dumps(content), encoding="utf-8")
