"""Draw who reads whom, as an SVG picture inside of Markdown, which both of Prefect's pages show. Pure."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING

from flows.engine.results import FAILED, SKIPPED
from flows.report import svg
from flows.report.layers import place
from flows.report.units import count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flows.engine.details import NodeDetails
    from flows.engine.results import NodeResult
    from flows.report.layers import Place

# A page cannot show more boxes so that one can read them: then a box is a folder.
_BOXES = 40
_WORST = ("failed", "untrusted", "skipped", "good")
# Of each state: the colour of the box, of its edge, and of its text.
_STYLES = {
    "good": ("#dbeafe", "#3b82f6", svg.INK),
    "failed": ("#fecaca", "#dc2626", svg.INK),
    "untrusted": ("#fef3c7", "#f59e0b", svg.INK),
    "skipped": ("#e5e7eb", "#9ca3af", "#6b7280"),
}
_LEGEND = "Blue: built; red: failed; amber: built, but a test of it failed; grey: skipped."
_LONGEST, _GAP, _ROW, _BOX, _EDGE = 230, 36, 26, 20, 8


def picture(nodes: Sequence[NodeResult], details: Mapping[str, NodeDetails]) -> str | None:
    """Return an image of the tables that this run built, or of their folders if they are many.

    None if it built none.
    """
    drawn = draw(nodes, details)
    return drawn and f"{svg.image(drawn, 'Who reads whom')}\n\n{_LEGEND}"


def draw(nodes: Sequence[NodeResult], details: Mapping[str, NodeDetails]) -> str | None:
    """Return the image as SVG."""
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
        return _svg({one: (node["name"], states[one]) for one, node in tables.items()}, edges)
    folder = _folders({one: details[one].folder for one in tables})
    inside: dict[str, list[str]] = defaultdict(list)
    for one, name in folder.items():
        inside[name].append(states[one])
    boxes = {}
    for name, found in inside.items():
        bad = sum(state != "good" for state in found)
        label = f"{name}: {count(len(found), 'node')}" + (f", {bad} not good" if bad else "")
        boxes[name] = (label, min(found, key=_WORST.index))
    return _svg(boxes, [(folder[a], folder[b]) for a, b in edges])


def _state(node: NodeResult) -> str:
    if node["status"] in FAILED:
        return "failed"
    return "skipped" if node["status"] in SKIPPED else "good"


def _folders(folder: Mapping[str, str]) -> dict[str, str]:
    """Shorten the folders, from their ends, until there are few enough."""
    depth = max(name.count("/") for name in folder.values()) + 1
    while True:
        cut = {one: "/".join(name.split("/")[:depth]) for one, name in folder.items()}
        if len(set(cut.values())) <= _BOXES or depth == 1:
            return cut
        depth -= 1


def _svg(boxes: Mapping[str, tuple[str, str]], edges: Sequence[tuple[str, str]]) -> str:
    at, ways = place(list(boxes), edges)
    label = {one: svg.cut(name, _LONGEST) for one, (name, _) in boxes.items()}
    columns = range(max(column for column, _ in at.values()) + 1)
    width = [max(len(label[one]) for one in at if at[one][0] == column) for column in columns]
    width = [round(letters * svg.CHARACTER) + 12 for letters in width]
    left = [_EDGE + sum(width[:column]) + column * _GAP for column in columns]

    def y(row: float) -> float:
        return _EDGE + row * _ROW

    def way(places: Sequence[Place]) -> str:
        """Draw an arrow: across the gaps in curves, straight through the columns that it passes."""
        parts: list[str] = []
        for (a, row), (b, next_row) in pairwise(places):
            begin, end = (left[a] + width[a], left[b]) if a < b else (left[a], left[b] + width[b])
            start, stop, bend = y(row) + _BOX / 2, y(next_row) + _BOX / 2, (begin + end) / 2
            curve = f"C{bend} {start:.1f} {bend} {stop:.1f} {end} {stop:.1f}"
            parts.append(f"{'L' if parts else 'M'}{begin} {start:.1f}{curve}")
        return f'<path d="{"".join(parts)}" fill="none" stroke="#9ca3af"/>'

    parts = [way(places) for places in ways.values()]
    for one, (column, row) in at.items():
        fill, edge, ink = _STYLES[boxes[one][1]]
        parts.append(
            f'<rect x="{left[column]}" y="{y(row):.1f}" width="{width[column]}" height="{_BOX}" rx="4" '
            f'fill="{fill}" stroke="{edge}"/>'
        )
        parts.append(svg.text(left[column] + 6, y(row) + 3, label[one], ink))
    bottom = max(row for places in [at.values(), *ways.values()] for _, row in places)
    return svg.picture(left[-1] + width[-1] + _EDGE, y(bottom) + _BOX + _EDGE, parts)
