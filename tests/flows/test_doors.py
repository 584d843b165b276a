"""A room of `flows` is entered by its door alone: the modules that its `__init__` names."""

from __future__ import annotations

import ast
import importlib
from typing import TYPE_CHECKING

from tests.flows.servers import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# What imports `flows` without being a test of it.
OUTSIDE = ("flows", "demo", "benchmarks")


def used(path: Path) -> Iterator[str]:
    """The modules of `flows` that a file imports, whole or names of them."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "flows":
            yield from (f"{node.module}.{one.name}" for one in node.names)
        elif isinstance(node, ast.Import):
            yield from (one.name for one in node.names if one.name.split(".")[0] == "flows")


def test_rooms_are_entered_by_their_doors() -> None:
    doors = {
        room.parent.name: set(importlib.import_module(f"flows.{room.parent.name}").__all__)
        for room in (ROOT / "flows").glob("*/__init__.py")
        if "__all__" in room.read_text()
    }
    assert {"observe", "report", "run", "target"} <= set(doors)
    modules = {room: {path.stem for path in (ROOT / "flows" / room).iterdir()} for room in doors}
    assert all(door <= modules[room] for room, door in doors.items())
    wrong = [
        f"{path.relative_to(ROOT)} uses {name}"
        for top in OUTSIDE
        for path in (ROOT / top).rglob("*.py")
        for name in used(path)
        for room, module in [[*name.split("."), "", ""][1:3]]
        if room in doors
        and module in modules[room] - doors[room]
        and ROOT / "flows" / room not in path.parents
    ]
    assert wrong == []
