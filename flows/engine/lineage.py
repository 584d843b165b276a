"""Who depends on whom in a dbt project, and how its nodes are called. Pure functions on dbt's manifest."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection


class Lineage:
    """A project as dbt has parsed it."""

    def __init__(self, manifest: Any) -> None:
        self._manifest = manifest
        kinds = (manifest.nodes, manifest.sources, manifest.unit_tests, manifest.functions)
        self._nodes: dict[str, Any] = {node_id: node for kind in kinds for node_id, node in kind.items()}
        short = {node_id: (_kind(node), _short_name(node)) for node_id, node in self._nodes.items()}
        times = Counter(short.values())
        self._names = {
            node_id: name if times[kind, name] == 1 else f"{self._nodes[node_id].package_name}.{name}"
            for node_id, (kind, name) in short.items()
        }

    def name(self, node_id: str) -> str | None:
        """Return what tells a node from all others of its kind, as `dim.v2` or `raw.flights`.

        That is what `--select` takes, too; the package comes first where two packages have such a node.
        """
        return self._names.get(node_id)

    def hooks(self) -> set[str]:
        """Return the ids of the hooks that dbt runs before and after each of its commands."""
        return {node_id for node_id, node in self._nodes.items() if _kind(node) == "operation"}

    def tests_of(self, kinds: Collection[str]) -> set[str]:
        """Return the ids of the tests of resources of these types, and of nothing else.

        dbt would run them although the run leaves those resources out, so that their tables may not exist.
        """
        return {
            node_id
            for node_id, node in self._nodes.items()
            if _kind(node) == "test"
            and (tested := _tested(node))
            and all(table.partition(".")[0] in kinds for table in tested)
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
        return bool(getattr(self._nodes.get(node_id), "is_ephemeral_model", False))

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
        # A seed has no such list.
        return list(getattr(self._nodes.get(node_id), "depends_on_nodes", ()))


def _kind(node: Any) -> str:
    return str(getattr(node.resource_type, "value", node.resource_type))


def _tested(node: Any) -> list[str]:
    attached = getattr(node, "attached_node", None)
    return [attached] if attached else list(node.depends_on.nodes)


def _short_name(node: Any) -> str:
    name = str(node.name)
    if (version := getattr(node, "version", None)) is not None:
        return f"{name}.v{version}"
    if source := getattr(node, "source_name", None):
        return f"{source}.{name}"
    if _kind(node) == "unit_test":
        return f"{node.model}::{name}"
    return name
