"""Draw who reads whom as a Mermaid graph, which Prefect's page shows. Pure."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from flows.engine.results import FAILED, SKIPPED
from flows.report.units import count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flows.engine.results import NodeResult
    from flows.report.node_details import NodeDetails

# A page cannot show more boxes so that one can read them: then a box is a folder.
_BOXES = 40
_WORST = ("failed", "untrusted", "skipped", "good")
_STYLES = (
    "classDef good fill:#dbeafe,stroke:#3b82f6,color:#111827",
    "classDef failed fill:#fecaca,stroke:#dc2626,color:#111827",
    "classDef untrusted fill:#fef3c7,stroke:#f59e0b,color:#111827",
    "classDef skipped fill:#e5e7eb,stroke:#9ca3af,color:#6b7280",
)


def graph(nodes: Sequence[NodeResult], details: Mapping[str, NodeDetails]) -> str | None:
    """Return a Mermaid block of the tables that this run built, or of their folders if they are many."""
    tables = {node["id"]: node for node in nodes if node["kind"] != "test" and node["id"] in details}
    if not tables:
        return None
    states = {node_id: _state(node) for node_id, node in tables.items()}
    for node in nodes:
        if node["kind"] == "test" and node["status"] in FAILED and node["id"] in details:
            for tested in details[node["id"]].parents:
                if states.get(tested) == "good":
                    states[tested] = "untrusted"
    edges = [(parent, one) for one in tables for parent in details[one].parents if parent in tables]
    if len(tables) <= _BOXES:
        return _mermaid({one: (node["name"], states[one]) for one, node in tables.items()}, edges)
    folder = {one: details[one].folder for one in tables}
    boxes = {}
    for name, number in Counter(folder.values()).items():
        inside = [states[one] for one in tables if folder[one] == name]
        bad = sum(state != "good" for state in inside)
        label = f"{name}: {count(number, 'node')}" + (f", {bad} not good" if bad else "")
        boxes[name] = (label, min(inside, key=_WORST.index))
    between = dict.fromkeys((folder[a], folder[b]) for a, b in edges if folder[a] != folder[b])
    return _mermaid(boxes, list(between))


def legend() -> str:
    """Return what the colours mean."""
    return "Blue: built; red: failed; amber: built, but a test of it failed; grey: skipped."


def _state(node: NodeResult) -> str:
    if node["status"] in FAILED:
        return "failed"
    return "skipped" if node["status"] in SKIPPED else "good"


def _mermaid(boxes: Mapping[str, tuple[str, str]], edges: Sequence[tuple[str, str]]) -> str:
    names = {one: f"n{index}" for index, one in enumerate(boxes)}
    lines = ["```mermaid", "graph LR"]
    lines += [f'  {names[one]}["{_label(label)}"]:::{state}' for one, (label, state) in boxes.items()]
    lines += [f"  {names[a]} --> {names[b]}" for a, b in edges]
    return "\n".join([*lines, *(f"  {style}" for style in _STYLES), "```"])


def _label(text: str) -> str:
    return re.sub(r"[^\w.:,/ -]", "_", text)
