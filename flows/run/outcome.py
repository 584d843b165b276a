"""Say in one line how a node ended: the message of its state in Prefect. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.engine.results import FAILED, SKIPPED
from flows.report.units import count, duration, size

if TYPE_CHECKING:
    from flows.engine.events import Finished

_TESTS = frozenset({"test", "unit_test"})


def text(event: Finished) -> str:
    """Return what happened, rows, bytes and time, as in `3 rows · 1.0 KiB processed · 0.53 s`."""
    if event.status in SKIPPED:
        return "skipped, because a node before it failed"
    parts = []
    if event.node.kind in _TESTS:
        if event.status != "pass":
            parts.append(event.message or event.status)
    elif event.status in FAILED:
        parts.append(event.message or event.status)
    elif event.rows is not None:
        parts.append(count(event.rows, "row"))
    if event.bytes_processed is not None:
        parts.append(f"{size(event.bytes_processed)} processed")
    if event.bytes_billed is not None:
        parts.append(f"{size(event.bytes_billed)} billed")
    return " · ".join([*parts, duration(event.seconds)])
