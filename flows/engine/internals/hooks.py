"""What dbt says of on-run-start and on-run-end hooks (dbt/task/run.py), which are no nodes of its queue.

A hook has events of its own, `LogHookStartLine` and `LogHookEndLine`; why it failed is in none of them.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from datetime import UTC
from typing import TYPE_CHECKING, Any

from flows.engine.events import Finished, Node, Started
from flows.engine.internals.patching import replaced
from flows.engine.results import HOOK, NodeResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class _Latest(threading.local):
    message: str | None = None


_latest = _Latest()


@contextmanager
def hooks_say_why() -> Iterator[None]:
    """Keep what BigQuery answered to each hook, for the event of its end."""
    from dbt.task import run  # noqa: PLC0415 - with dbt, 4 s

    def make(original: Any) -> Any:
        def get_execution_status(sql: str, adapter: Any) -> Any:
            status, message = original(sql, adapter)
            _latest.message = str(message) if message else None
            return status, message

        return get_execution_status

    with replaced(run, "get_execution_status", make):
        yield


def change(event: Any, node: Node, redact: Callable[[str], str]) -> Started | Finished | None:
    """Read an event about a hook. None if it is not the start or the end of it."""
    at = event.info.ts.ToDatetime(tzinfo=UTC)
    if event.info.name == "LogHookStartLine":
        _latest.message = None
        return Started(node, at)
    if event.info.name != "LogHookEndLine":
        return None
    message, _latest.message = _latest.message, None
    status = str(event.data.status)
    return Finished(
        node,
        at,
        NodeResult(
            id=node.id,
            name=node.name,
            kind=HOOK,
            status=status,
            seconds=round(event.data.execution_time, 3),
            message=redact(message).strip() if message and status != "skipped" else None,
            rows=None,
            failures=None,
            bytes_processed=None,
            bytes_billed=None,
        ),
    )
