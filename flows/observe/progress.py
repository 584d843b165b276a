"""A line at the bottom of the terminal that says how far dbt is. Nothing where there is no terminal."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.live import Live
from rich.text import Text

from flows.engine.events import BatchesPlanned, BatchFinished, Finished, Started
from flows.engine.results import FAILED, HOOK
from flows.report.units import duration

if TYPE_CHECKING:
    from collections.abc import Callable

    from flows.engine.events import Event, Node
    from flows.engine.lineage import Lineage

_NAMES = 4


Handler = logging.StreamHandler[Any]


class Progress:
    """Shows nodes done, failed and running, and the time since the command began.

    Log lines scroll by above it: while it is shown, rich stands between stderr and the terminal.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(file=sys.stdout, markup=False, highlight=False)
        self._lock = threading.Lock()
        self._live: Live | None = None
        self._command, self._began = "", 0.0
        self._undo: list[Callable[[], object]] = []
        self._total = 0
        self._running: dict[str, str] = {}
        self._done: set[str] = set()
        self._failed: set[str] = set()
        self._batches: dict[str, int] = {}
        self._ended: Counter[str] = Counter()

    def begin(self, command: str, _lineage: Lineage) -> None:
        """Show the line."""
        with self._lock:
            self._command, self._began = command, time.monotonic()
            self._total = 0
            self._running, self._done, self._failed = {}, set(), set()
            self._batches, self._ended = {}, Counter()
        if self._console.is_terminal:
            self._live = Live(
                get_renderable=self.line_now,
                console=self._console,
                transient=True,
                refresh_per_second=4,
                redirect_stdout=False,
                redirect_stderr=sys.stderr.isatty(),
            )
            self._live.start()
            if sys.stderr.isatty():
                self._take_log_lines()

    def node(self, event: Event) -> None:
        """Count a node, or a batch of one."""
        node = event.node
        with self._lock:
            match event:
                case Started():
                    self._running[node.id] = node.name
                    self._total = event.total or self._total
                case BatchesPlanned():
                    self._batches[node.id] = len(event.batches)
                case BatchFinished():
                    self._ended[node.id] += 1
                case Finished():
                    self._running.pop(node.id, None)
                    if node.kind != HOOK:
                        self._done.add(node.id)
                    if event.result["status"] in FAILED:
                        self._failed.add(node.id)

    def line(self, node: Node, level: int, message: str) -> None:
        """Log lines have a place of their own."""

    def end(self, _error: BaseException | None) -> None:
        """Take the line away."""
        if self._live is not None:
            self._live.stop()
            for undo in self._undo:
                undo()
            self._live = None

    def _take_log_lines(self) -> None:
        """Let log lines pass through the console that shows the line, which else would be torn."""
        self._undo = []
        for handler in _handlers():
            if isinstance(console := getattr(handler, "console", None), Console):  # Prefect's handler
                self._undo.append(partial(setattr, handler, "console", console))
                setattr(handler, "console", self._console)  # noqa: B010 - unknown to logging's types
            else:
                self._undo.append(partial(handler.setStream, handler.stream))
                handler.setStream(sys.stderr)

    def _part(self, node_id: str) -> str:
        total = self._batches.get(node_id)
        return f" {self._ended[node_id]}/{total}" if total else ""

    def line_now(self) -> Text:
        """Return the line as it is now."""
        with self._lock:
            running = [name + self._part(node_id) for node_id, name in self._running.items()]
            total = self._total
            done, failed = len(self._done), len(self._failed)
        names = ", ".join(running[:_NAMES]) + (
            f" and {len(running) - _NAMES} more" if running[_NAMES:] else ""
        )
        parts = [f"dbt-{self._command}", f"{done}/{total} done" if total else "starting"]
        if failed:
            parts.append(f"{failed} failed")
        parts.append(duration(time.monotonic() - self._began))
        if names:
            parts.append(f"running {names}")
        return Text(
            " · ".join(parts), no_wrap=True, overflow="ellipsis", style="bold red" if failed else "bold"
        )


def _handlers() -> list[Handler]:
    """Return the handlers that write log lines to the terminal's stderr."""
    loggers = [logging.getLogger(name) for name in list(logging.root.manager.loggerDict)]
    found = {handler: None for logger in (logging.root, *loggers) for handler in logger.handlers}
    return [
        handler
        for handler in found
        if isinstance(handler, logging.StreamHandler) and handler.stream is sys.__stderr__
    ]
