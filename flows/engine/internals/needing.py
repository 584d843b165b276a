"""What a project needs of BigQuery, read from what dbt has parsed (dbt/contracts/graph/nodes.py)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from flows.project.needs import Needs

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from flows.project.needs import Place

_GRANT = re.compile(r"\bgrant\b[^;]*\bon\b|\brow access policy\b", re.IGNORECASE)


def of(manifest: Any, main: Place, selected: Collection[str] | None = None) -> Needs:
    """Return what the project needs; of the nodes in ``selected`` alone, if they are given.

    ``main`` is the target's own dataset, to which a hook's GRANT is taken to belong if it names no other.
    """
    found = Needs()
    nodes = [
        node
        for node in (*manifest.nodes.values(), *getattr(manifest, "functions", {}).values())
        if (selected is None or node.unique_id in selected or _kind(node) == "operation") and _runs(node)
    ]
    for node in nodes:
        _written(node, found)
    for node in nodes:
        _read(node, manifest, found)
        _granted(node, main, found)
        _hooks(node, found)
        if getattr(node, "language", "sql") == "python":
            found.python.append(node.name)
    return found


def _runs(node: Any) -> bool:
    """Say whether BigQuery is told of the node itself: an ephemeral model is a part of those that read it."""
    return _kind(node) != "analysis" and _materialized(node) != "ephemeral"


def _materialized(node: Any) -> str | None:
    return str(node.config.materialized) if _kind(node) == "model" else None


def _written(node: Any, found: Needs) -> None:
    kind = _kind(node)
    if kind in {"seed", "snapshot", "function", "model"} or (kind == "test" and node.should_store_failures):
        found.writes.setdefault(_place(node), []).append(node.name)


def _read(node: Any, manifest: Any, found: Needs) -> None:
    for source in _sources(node, manifest):
        if _place(source) not in found.writes:
            names = found.reads.setdefault(_place(source), [])
            name = f"{source.source_name}.{source.name}"
            if name not in names:
                names.append(name)


def _sources(node: Any, manifest: Any) -> Iterator[Any]:
    """Give the sources that a node's SQL reads, also by way of ancestors that hold no rows of their own."""
    left, seen = [node], set()
    while left:
        for parent in getattr(left.pop().depends_on, "nodes", ()):
            if parent in seen:
                continue
            seen.add(parent)
            if parent in manifest.sources:
                yield manifest.sources[parent]
            elif parent in manifest.nodes and _materialized(manifest.nodes[parent]) in {"ephemeral", "view"}:
                left.append(manifest.nodes[parent])


def _granted(node: Any, main: Place, found: Needs) -> None:
    def add(place: Place, why: str) -> None:
        found.grants.setdefault(place, []).append(why)

    if _kind(node) == "operation":
        if _GRANT.search(node.raw_code):
            named = [place for place in found.writes if place[1] in node.raw_code]
            for place in named or [main]:
                add(place, f"the hook {node.name}")
        return
    config = node.config
    if _kind(node) in {"model", "seed", "snapshot"}:
        if getattr(config, "grants", None):
            add(_place(node), f"grants of {node.name}")
        for entry in config.get("grant_access_to") or ():
            add(_access_to(entry, node), f"grant_access_to of {node.name}")
        if any(_GRANT.search(hook.sql) for hook in _own_hooks(config)):
            add(_place(node), f"a hook of {node.name}")


def _access_to(entry: Mapping[str, Any], node: Any) -> Place:
    return str(entry.get("project") or node.database), str(entry.get("dataset"))


def _hooks(node: Any, found: Needs) -> None:
    if _kind(node) == "operation":
        kinds = [tag for tag in node.tags if tag.startswith("on-run-")] or ["on-run"]
    else:
        config = node.config
        kinds = [kind for kind in ("pre", "post") for _ in getattr(config, f"{kind}_hook", None) or ()]
        kinds = [f"{kind}-hook" for kind in kinds]
    for kind in kinds:
        found.hooks[kind] = found.hooks.get(kind, 0) + 1


def _own_hooks(config: Any) -> Iterator[Any]:
    for kind in ("pre_hook", "post_hook"):
        yield from getattr(config, kind, None) or ()


def _place(node: Any) -> Place:
    return str(node.database), str(node.schema)


def _kind(node: Any) -> str:
    return str(getattr(node.resource_type, "value", node.resource_type))
