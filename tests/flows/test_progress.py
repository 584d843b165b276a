from __future__ import annotations

import io
import time
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from flows.engine.events import Finished, Node, Started
from flows.observe.progress import Progress


def node(name: str) -> Node:
    return Node(f"model.tiny.{name}", name, "model")


def finished(name: str, status: str) -> Finished:
    return Finished(node(name), datetime.now(UTC), status, "", 0.1, None, 0, None, None)


def run(console: Any) -> Progress:
    progress = Progress(console)
    progress.begin("run", None)
    for name in "abc":
        progress.node(Started(node(name), datetime.now(UTC), total=9))
    progress.node(finished("a", "success"))
    progress.node(finished("b", "error"))
    return progress


def test_the_line_counts_and_names_nodes() -> None:
    out = io.StringIO()
    progress = run(Console(file=out, force_terminal=True, width=200))
    text = progress.line_now().plain
    assert text.startswith("dbt-run · 2/9 done · 1 failed · 0.")
    assert text.endswith(" s · running c")
    deadline = time.monotonic() + 10
    while "running c" not in out.getvalue() and time.monotonic() < deadline:
        time.sleep(0.05)
    progress.end(None)
    assert "2/9 done" in out.getvalue()


def test_nothing_is_shown_where_there_is_no_terminal() -> None:
    out = io.StringIO()
    run(Console(file=out)).end(None)
    assert out.getvalue() == ""
