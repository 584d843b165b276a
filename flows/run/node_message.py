"""Say in one line how a node ended: the message of its state in Prefect. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.engine.results import FAILED, SKIPPED
from flows.report.units import count, duration, size

if TYPE_CHECKING:
    from flows.engine.results import NodeResult


def text(result: NodeResult) -> str:
    """Return what happened, rows, bytes and time, as in `3 rows · 1.0 KiB processed · 0.53 s`."""
    status = result["status"]
    if status in SKIPPED:
        return "skipped, because a node before it failed"
    parts = []
    if result["kind"] == "test":
        if status != "pass":
            parts.append(result["message"] or status)
    elif status in FAILED:
        parts.append(result["message"] or status)
    elif result["rows"] is not None:
        parts.append(count(result["rows"], "row"))
    if result["bytes_processed"] is not None:
        parts.append(f"{size(result['bytes_processed'])} processed")
    if result["bytes_billed"] is not None:
        parts.append(f"{size(result['bytes_billed'])} billed")
    if batches := result.get("batches"):
        parts.append(count(len(batches), "batch", "batches"))
    return " · ".join([*parts, duration(result["seconds"])])
