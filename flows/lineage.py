"""Who depends on whom in a dbt project. Pure functions on dbt's manifest."""

from __future__ import annotations

from typing import Any


def parents(manifest: Any, node_id: str) -> list[str]:
    """Return the ids of the nodes that a node reads from, in order.

    An ephemeral model does not run by itself: those that it reads from stand in its place.
    """
    found: dict[str, None] = {}
    seen = {node_id}
    waiting = list(_read_by(manifest, node_id))
    while waiting:
        one = waiting.pop(0)
        if one in seen:
            continue
        seen.add(one)
        node = manifest.nodes.get(one)
        if node is not None and node.is_ephemeral_model:
            waiting += _read_by(manifest, one)
        else:
            found[one] = None
    return list(found)


def _read_by(manifest: Any, node_id: str) -> list[str]:
    node = manifest.nodes.get(node_id) or manifest.unit_tests.get(node_id)
    return list(getattr(node, "depends_on_nodes", ()))  # a seed has no such list


def ancestors(manifest: Any, node_id: str) -> set[str]:
    """Return the ids of all nodes that a node reads from, directly or not."""
    found: set[str] = set()
    waiting = list(_read_by(manifest, node_id))
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += _read_by(manifest, one)
    return found
