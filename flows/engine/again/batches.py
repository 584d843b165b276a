"""The batches of microbatch models: planned, and how each has ended. Pure.

dbt fills such a table batch by batch, by the time of its rows. A batch, not the model, is what is recorded,
tried again and resumed.
"""

from __future__ import annotations

import threading
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flows.engine import diagnosis
from flows.engine.results import FAILED, SKIPPED, BatchResult, NodeResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Span = tuple[datetime, datetime]  # from, and until but without
_SHOWN = 5


class Batches:
    """What is known of the batches of one dbt command, over all of its attempts. Threads may share it."""

    def __init__(self) -> None:
        self._owed: dict[str, set[Span]] = {}
        self._planned: dict[str, tuple[Span, ...]] = {}
        self._ended: dict[str, dict[Span, BatchResult]] = {}
        self._lock = threading.Lock()

    def owe(self, node_id: str, spans: Iterable[Span]) -> None:
        """Note what an earlier run has planned and not done, and what dbt may not plan again."""
        with self._lock:
            self._owed.setdefault(node_id, set()).update(spans)

    def owed(self, node_id: str) -> set[Span]:
        """Return what earlier runs have left undone."""
        return self._owed.get(node_id, set())

    def undone(self) -> dict[str, list[Span]]:
        """Return the batches by model that are planned or owed, and not done."""
        found = {}
        for node_id in {*self._planned, *self._owed}:
            ended = self._ended.get(node_id, {})
            spans = {*self._planned.get(node_id, ()), *self.owed(node_id)}
            undone = sorted(one for one in spans if one not in ended or not is_done(ended[one]))
            if undone:
                found[node_id] = undone
        return found

    def plan(self, node_id: str, spans: Iterable[Span]) -> bool:
        """Note what a model is made of; say whether that is new. What was planned first stays."""
        with self._lock:
            return self._planned.setdefault(node_id, made := tuple(spans)) is made

    def end(self, node_id: str, batch: BatchResult) -> None:
        """Note how a batch has ended."""
        with self._lock:
            self._ended.setdefault(node_id, {})[span_of(batch)] = batch

    def has_done(self, node_id: str) -> bool:
        """Say whether the table holds a batch already, so that it must not be made anew."""
        return any(is_done(batch) for batch in self._ended.get(node_id, {}).values())

    def left(self, node_id: str) -> list[Span] | None:
        """Return the batches to run; None where the model has not begun, and all is still to be planned.

        Those that have failed for good are left out. The last one runs again where all have ended well but
        the model itself has not: its `post_hook` comes with the last batch.
        """
        planned = self._planned.get(node_id)
        if planned is None:
            return None
        ended = self._ended.get(node_id, {})
        left = [one for one in planned if one not in ended or _is_left(ended[one])]
        return left or list(planned[-1:])

    def whole(self, node: NodeResult) -> NodeResult:
        """Return the result of a node with what its batches say, if it has any.

        dbt's own says ERROR at most, and knows of the batches of one attempt alone.
        """
        planned = self._planned.get(node["id"])
        if planned is None:
            return node
        ended = self._ended.get(node["id"], {})
        batches = [ended.get(one) or _not_run(one) for one in planned]
        missing = [batch for batch in batches if not is_done(batch)]
        result: NodeResult = {
            **node,
            "batches": batches,
            "seconds": round(sum(batch["seconds"] for batch in batches), 3),
            "rows": _sum(batch["rows"] for batch in batches),
            "bytes_processed": _sum(batch["bytes_processed"] for batch in batches),
            "bytes_billed": _sum(batch["bytes_billed"] for batch in batches),
        }
        if missing:
            result["status"] = "error" if len(missing) == len(batches) else "partial success"
            result["message"] = _message(missing, len(batches))
        elif node["status"] not in FAILED:
            result["message"] = f"{len(batches)} batches"
        return result


def span_of(batch: Mapping[str, Any]) -> Span:
    """Return the time that a batch covers."""
    return datetime.fromisoformat(batch["start"]), datetime.fromisoformat(batch["end"])


def is_done(batch: BatchResult) -> bool:
    """Say whether the table holds the rows of a batch."""
    return batch["status"] not in FAILED | SKIPPED


def _is_left(batch: BatchResult) -> bool:
    if batch["status"] in FAILED:
        return diagnosis.message_may_pass(batch["message"])
    return batch["status"] in SKIPPED


def _not_run(span: Span) -> BatchResult:
    return BatchResult(
        start=span[0].isoformat(),
        end=span[1].isoformat(),
        status="skipped",
        seconds=0.0,
        message=None,
        rows=None,
        bytes_processed=None,
        bytes_billed=None,
    )


def _message(missing: Sequence[BatchResult], total: int) -> str:
    lines = [f"{len(missing)} of {total} batches are missing:"]
    for batch in missing[:_SHOWN]:
        why = "not run" if batch["status"] in SKIPPED else batch["message"] or batch["status"]
        lines.append(f"from {_day(batch['start'])} until {_day(batch['end'])}: {why}")
    if len(missing) > _SHOWN:
        lines.append(f"and {len(missing) - _SHOWN} more")
    return "\n".join(lines)


def _day(moment: str) -> str:
    return moment.removesuffix("T00:00:00+00:00")


def _sum(numbers: Iterable[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None
