from __future__ import annotations

import io
import time
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from flows.engine.events import BatchesPlanned, BatchFinished, Finished, Node, Started
from flows.observe.progress import Progress
from tests.flows import documents


def node(name: str) -> Node:
    return Node(f"model.tiny.{name}", name, "model")


def finished(name: str, status: str) -> Finished:
    return Finished(node(name), datetime.now(UTC), documents.node(name, status))


def run(console: Any) -> Progress:
    progress = Progress(console)
    progress.begin("run", documents.lineage())
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
    deadline = time.monotonic() + 60
    while "running c" not in out.getvalue() and time.monotonic() < deadline:
        time.sleep(0.05)
    progress.end(None)
    assert "2/9 done" in out.getvalue()


def test_nothing_is_shown_where_there_is_no_terminal() -> None:
    out = io.StringIO()
    run(Console(file=out)).end(None)
    assert out.getvalue() == ""


def test_a_hook_is_shown_but_is_no_node_and_batches_are_counted_apart() -> None:
    progress = run(Console(file=io.StringIO()))
    hook = Node("operation.tiny.on-run-end-0", "tiny-on-run-end-0", "hook")
    progress.node(Started(hook, datetime.now(UTC)))
    day = datetime(2026, 1, 1, tzinfo=UTC)
    progress.node(BatchesPlanned(node("c"), ((day, day), (day, day), (day, day))))
    progress.node(BatchFinished(node("c"), documents.batch(2025)))
    text = progress.line_now().plain
    assert text.startswith("dbt-run · 2/9 done · ")
    assert text.endswith(" · running c 1/3, tiny-on-run-end-0")
    progress.node(Finished(hook, datetime.now(UTC), documents.node("on-run-end-0", kind="hook")))
    assert progress.line_now().plain.startswith("dbt-run · 2/9 done · ")
