"""One room knows dbt's insides: what it names is there in this dbt, and nobody else names it."""

from __future__ import annotations

import ast
import re
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest

import flows.engine
from flows.engine import internals
from flows.engine.internals.patching import replaced
from tests.flows.servers import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FLOWS = sorted((ROOT / "flows").rglob("*.py"))
INSIDE = [path for path in FLOWS if "internals" in path.parts]
# Names of dbt's events have no other use in this project.
EVENT = re.compile(
    r"[\"'](?:NodeFinished|NodeStart|Log[A-Z]\w+Line|GenericExceptionOnRun|Main[A-Z]\w+|NoNodes\w+)"
)


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{one.name}" for one in node.names)


def test_dbt_is_the_one_that_was_read() -> None:
    """With another, read again what `flows/engine/internals` names, then write its version down there."""
    assert {package: version(package) for package in internals.READ_IN} == internals.READ_IN


def test_nobody_else_knows_dbt() -> None:
    assert INSIDE
    for path in set(FLOWS) - set(INSIDE):
        assert not [name for name in imported(path) if name.split(".")[0] == "dbt"], path
        assert not EVENT.search(path.read_text(encoding="utf-8")), path


def test_others_come_through_the_door() -> None:
    for path in FLOWS:
        if "engine" not in path.parts:
            inside = [name for name in imported(path) if name.startswith("flows.engine.")]
            assert {name.split(".")[2] for name in inside} <= set(flows.engine.__all__), path


def test_a_patch_of_what_is_not_there_is_refused() -> None:
    class Task:
        def run(self) -> str:
            return "dbt's"

    class Moved(Task):
        """Inherits it: to set it here would leave the original to all others."""

    for owner, name in ((Moved, "run"), (internals, "gone")):
        with (
            pytest.raises(RuntimeError, match=f"has no {name}: flows/engine/internals was read in dbt-core"),
            replaced(owner, name, lambda original: original),
        ):
            pass
    with replaced(Task, "run", lambda original: lambda task: f"not {original(task)}"):
        assert Moved().run() == "not dbt's"
    assert Task().run() == "dbt's"
