"""What dbt's structured events say about a node. Pure; dbt itself is not imported."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True)
class Node:
    """A model, seed, snapshot, test, unit test or source, as dbt names it."""

    id: str
    name: str
    kind: str


@dataclass(frozen=True)
class Started:
    """A thread of dbt has begun with a node, one of ``total`` of its command."""

    node: Node
    at: datetime
    total: int = 0


@dataclass(frozen=True)
class Finished:
    """A node has ended, in whatever state. Numbers are None where BigQuery gives none."""

    node: Node
    at: datetime
    status: str
    message: str
    seconds: float
    rows: int | None
    failures: int
    bytes_processed: int | None
    bytes_billed: int | None


class Watch(Protocol):
    """Is told what a dbt command does while it runs. All but `begin` and `end` come from threads of dbt."""

    def begin(self, command: str, manifest: Any) -> None:
        """A dbt command starts; ``manifest`` is dbt's own."""

    def node(self, event: Started | Finished) -> None:
        """A node has started or finished."""

    def line(self, node: Node, level: int, message: str) -> None:
        """A line of dbt's log is about a node."""

    def end(self, error: BaseException | None) -> None:
        """The command has ended, by itself or by ``error``. No more of its nodes will be heard of."""


def node_of(event: Any) -> Node | None:
    """Return the node that an event is about, if it is about one.

    None also for an ephemeral model, which does not run: it is part of the queries of others.
    """
    info = getattr(event.data, "node_info", None)
    if info is None or not info.unique_id or info.materialized == "ephemeral":
        return None
    return Node(info.unique_id, info.node_name, info.resource_type)


def read(event: Any, node: Node, redact: Callable[[str], str]) -> Started | Finished | None:
    """Read one of dbt's events about ``node``. None if it is not the start or the end of it."""
    at = event.info.ts.ToDatetime(tzinfo=UTC)
    # dbt has a NodeStart too, but that comes even for a node that it then skips.
    if event.info.name == "LogStartLine":
        return Started(node, at, event.data.total)
    if event.info.name != "NodeFinished":
        return None
    result = event.data.run_result
    response = dict(result.adapter_response.items())
    return Finished(
        node,
        at,
        status=result.status,
        message=redact(result.message).strip(),
        seconds=result.execution_time,
        rows=_whole(response.get("rows_affected")),
        failures=result.num_failures,
        bytes_processed=_whole(response.get("bytes_processed")),
        bytes_billed=_whole(response.get("bytes_billed")),
    )


@contextmanager
def watching(watch: Watch | None, command: str, manifest: Any) -> Iterator[None]:
    """Tell ``watch`` of the start and the end of a dbt command, however it ends."""
    if watch is None:
        yield
        return
    watch.begin(command, manifest)
    try:
        yield
    except BaseException as error:
        watch.end(error)
        raise
    watch.end(None)


def _whole(value: Any) -> int | None:
    # A Struct of protobuf holds every number as a float.
    return None if value is None else int(value)
