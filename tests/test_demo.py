"""The demonstration is apart: without `demo/` and its dbt project the rest is whole."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from local.paths import PROJECT
from local.platform import demo

ROOMS = ("__main__.py", "benchmarks", "flows", "infra", "local", "providers", "tests")


def imported(path: Path) -> Iterator[str]:
    """The packages that a file imports, by their first name."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]
        elif isinstance(node, ast.Import):
            yield from (one.name.split(".")[0] for one in node.names)


def test_nothing_imports_the_demonstration() -> None:
    files = [PROJECT / ROOMS[0]]
    for room in ROOMS[1:]:
        files += [path for path in (PROJECT / room).rglob("*.py") if ".venv" not in path.parts]
    assert len(files) > 300
    assert [path for path in files if "demo" in imported(path)] == []


def test_the_job_has_data_to_load_only_with_the_demonstration(tmp_path: Path) -> None:
    without = [step.title for step in demo.steps(tmp_path)]
    assert without == ["pulumi up -s local", "run the flow"]
    (tmp_path / "demo").mkdir()
    assert len(demo.steps(tmp_path)) == 3
