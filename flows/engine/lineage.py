"""Who depends on whom in a dbt project. Pure functions on dbt's manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def parents(manifest: Any, node_id: str) -> list[str]:
    """Return the ids of the nodes that a node reads from, in order.

    An ephemeral model does not run by itself: those that it reads from stand in its place.
    """

    def is_ephemeral(one: str) -> bool:
        node = manifest.nodes.get(one)
        return node is not None and bool(node.is_ephemeral_model)

    return [one for one in _reached(manifest, node_id, through=is_ephemeral) if not is_ephemeral(one)]


def ancestors(manifest: Any, node_id: str) -> list[str]:
    """Return the ids of all nodes that a node reads from, directly or not, the nearest first."""
    return _reached(manifest, node_id, through=lambda _: True)


def _reached(manifest: Any, node_id: str, through: Callable[[str], bool]) -> list[str]:
    """Return what a node reads from, and what those read from that the way leads ``through``."""
    found: dict[str, None] = {}
    waiting = _read_by(manifest, node_id)
    while waiting:
        one = waiting.pop(0)
        if one not in found:
            found[one] = None
            waiting += _read_by(manifest, one) if through(one) else []
    return list(found)


def _read_by(manifest: Any, node_id: str) -> list[str]:
    node = manifest.nodes.get(node_id) or manifest.unit_tests.get(node_id)
    return list(getattr(node, "depends_on_nodes", ()))  # a seed has no such list
