"""Who depends on whom in a dbt project, and how its nodes are called. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flows.engine.results import HOOK

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable


@dataclass(frozen=True)
class ParsedNode:
    """A node, source, test or hook of a project as dbt has parsed it. ``name`` may be that of others, too."""

    id: str
    kind: str
    package: str
    name: str
    reads: tuple[str, ...] = ()
    ephemeral: bool = False
    tests: tuple[str, ...] = ()  # what a test is about


class Lineage:
    """All nodes of a project."""

    def __init__(self, nodes: Iterable[ParsedNode]) -> None:
        self._nodes = {node.id: node for node in nodes}
        times = Counter((node.kind, node.name) for node in self._nodes.values())
        self._names = {
            node.id: node.name if times[node.kind, node.name] == 1 else f"{node.package}.{node.name}"
            for node in self._nodes.values()
        }

    def name(self, node_id: str) -> str | None:
        """Return what tells a node from all others of its kind, as `dim.v2` or `raw.flights`.

        That is what `--select` takes, too; the package comes first where two packages have such a node.
        """
        return self._names.get(node_id)

    def hooks(self) -> set[str]:
        """Return the ids of the hooks that dbt runs before and after each of its commands."""
        return {node.id for node in self._nodes.values() if node.kind == HOOK}

    def tests_of(self, kinds: Collection[str]) -> set[str]:
        """Return the ids of the tests of resources of these types, and of nothing else.

        dbt would run them although the run leaves those resources out, so that their tables may not exist.
        """
        return {
            node.id
            for node in self._nodes.values()
            if node.tests and all(table.partition(".")[0] in kinds for table in node.tests)
        }

    def parents(self, node_id: str) -> list[str]:
        """Return the ids of the nodes that a node reads from, in order.

        An ephemeral model does not run by itself: those that it reads from stand in its place.
        """
        found = self._reached(node_id, through=self._is_ephemeral)
        return [one for one in found if not self._is_ephemeral(one)]

    def ancestors(self, node_id: str) -> list[str]:
        """Return the ids of all nodes that a node reads from, directly or not, the nearest first."""
        return self._reached(node_id, through=lambda _: True)

    def _is_ephemeral(self, node_id: str) -> bool:
        node = self._nodes.get(node_id)
        return node is not None and node.ephemeral

    def _reached(self, node_id: str, through: Callable[[str], bool]) -> list[str]:
        """Return what a node reads from, and what those read from that the way leads ``through``."""
        found: dict[str, None] = {}
        waiting = self._read_by(node_id)
        while waiting:
            one = waiting.pop(0)
            if one not in found:
                found[one] = None
                waiting += self._read_by(one) if through(one) else []
        return list(found)

    def _read_by(self, node_id: str) -> list[str]:
        node = self._nodes.get(node_id)
        return list(node.reads) if node else []
