"""What happens while dbt runs, in words of our own."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from flows.engine.lineage import Lineage
    from flows.engine.results import BatchResult, NodeResult


@dataclass(frozen=True)
class Node:
    """A model, seed, snapshot, function, test, unit test, source or hook, as dbt names it."""

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
class BatchesPlanned:
    """A microbatch model is about to run for the first time; these are its batches, from and until."""

    node: Node
    batches: tuple[tuple[datetime, datetime], ...]


@dataclass(frozen=True)
class BatchFinished:
    """A batch of a microbatch model has ended, in whatever state; the model has not."""

    node: Node
    batch: BatchResult


@dataclass(frozen=True)
class Finished:
    """A node has ended, in whatever state."""

    node: Node
    at: datetime
    result: NodeResult


Event = Started | BatchesPlanned | BatchFinished | Finished


class Watch(Protocol):
    """Is told what a dbt command does while it runs. All but `begin` and `end` come from threads of dbt."""

    def begin(self, command: str, lineage: Lineage) -> None:
        """A dbt command starts on nodes of this project."""

    def node(self, event: Event) -> None:
        """A node, or a batch of one, has started or finished."""

    def line(self, node: Node, level: int, message: str) -> None:
        """A line of dbt's log is about a node."""

    def end(self, error: BaseException | None) -> None:
        """The command has ended, by itself or by ``error``. No more of its nodes will be heard of."""


@contextmanager
def watching(watch: Watch | None, command: str, lineage: Lineage) -> Iterator[None]:
    """Tell ``watch`` of the start and the end of a dbt command, however it ends."""
    if watch is None:
        yield
        return
    watch.begin(command, lineage)
    try:
        yield
    except BaseException as error:
        watch.end(error)
        raise
    watch.end(None)
