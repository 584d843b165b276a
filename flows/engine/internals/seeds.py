"""Seeds that a project reads as sources: dbt knows of no order between the two, and builds both at once."""

from __future__ import annotations

from typing import Any


def come_before_their_readers(manifest: Any) -> None:
    """Let whatever reads a source that is the table of a seed depend on that seed.

    Only for seeds: they read nothing, so that no cycle can come of it. A seed that fails then skips its
    readers, `+model` selects it, and `dbt build` order tests it first, as with `ref`.
    """
    tables = {
        _table(node, node.alias): node.unique_id
        for node in manifest.nodes.values()
        if str(getattr(node.resource_type, "value", node.resource_type)) == "seed"
    }
    seeds = {
        source.unique_id: seed
        for source in manifest.sources.values()
        if (seed := tables.get(_table(source, source.identifier)))
    }
    if not seeds:
        return
    for node in manifest.nodes.values():
        nodes = getattr(node.depends_on, "nodes", None)
        if nodes is None:
            continue
        nodes += [seed for source, seed in seeds.items() if source in nodes and seed not in nodes]


def _table(node: Any, name: str) -> tuple[str, str, str]:
    return str(node.database), str(node.schema), str(name)
