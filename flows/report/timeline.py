"""Draw a run over time: an SVG picture inside of Markdown, as Prefect's page shows it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.engine.results import FAILED, SKIPPED
from flows.report import svg
from flows.report.units import duration

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flows.engine.details import NodeDetails
    from flows.engine.results import NodeResult

# With more nodes than this, a row is a thread of dbt and not a node.
_ROWS = 40
_WIDTH, _LEFT, _ROW, _TOP = 640, 190, 18, 24
_COLOURS = {"table": "#3b82f6", "test": "#22c55e", "failed": "#dc2626", "warn": "#f59e0b"}
_LEGEND = "Blue: tables and views; green: tests; amber: warned; red: failed. Seconds from the first node on."


def picture(nodes: Sequence[NodeResult], details: Mapping[str, NodeDetails]) -> str | None:
    """Return an image of when each node ran and on which thread, and what its colours mean.

    None if no node ran.
    """
    drawn = draw(nodes, details)
    return drawn and f"{svg.image(drawn, 'When each node ran')}\n\n{_LEGEND}"


def draw(nodes: Sequence[NodeResult], details: Mapping[str, NodeDetails]) -> str | None:
    """Return the image as SVG."""
    bars = []
    for node in nodes:
        known = details.get(node["id"])
        if known and known.started and known.ended and node["status"] not in SKIPPED:
            bars.append((known.started.timestamp(), known.ended.timestamp(), known.thread, node))
    if not bars:
        return None
    bars.sort(key=lambda bar: bar[:2])
    begin, end = bars[0][0], max(bar[1] for bar in bars)
    scale = (_WIDTH - _LEFT - 10) / max(end - begin, 0.001)
    by_node = len(bars) <= _ROWS
    threads = sorted({bar[2] for bar in bars}, key=lambda name: (len(name), name))
    rows = len(bars) if by_node else len(threads)
    height = _TOP + rows * _ROW + 8
    parts = _axis(end - begin, scale, height)
    if not by_node:
        parts += [svg.text(4, _TOP + row * _ROW, f"thread {row + 1}") for row in range(len(threads))]
    for index, (started, ended, thread, node) in enumerate(bars):
        y = _TOP + (index if by_node else threads.index(thread)) * _ROW
        x, width = _LEFT + (started - begin) * scale, max((ended - started) * scale, 1.5)
        parts.append(
            f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{_ROW - 4}" fill="{_colour(node)}"/>'
        )
        if by_node:
            parts.append(svg.text(4, y, svg.cut(node["name"], _LEFT - 8)))
        elif width > 5 * svg.CHARACTER:
            parts.append(svg.text(x + 2, y, svg.cut(node["name"], width - 4), "#ffffff"))
    return svg.picture(_WIDTH, height, parts)


def _axis(seconds: float, scale: float, height: int) -> list[str]:
    parts = []
    for tenth in range(0, 11, 2):
        x = _LEFT + seconds * tenth / 10 * scale
        parts.append(f'<path d="M{x:.1f} 14V{height}" stroke="{svg.PALE}"/>')
        parts.append(svg.text(x - 30 if tenth == 10 else x + 2, 0, duration(seconds * tenth / 10), "#6b7280"))
    return parts


def _colour(node: NodeResult) -> str:
    if node["status"] in FAILED:
        return _COLOURS["failed"]
    if node["status"] == "warn":
        return _COLOURS["warn"]
    return _COLOURS["test" if node["kind"] == "test" else "table"]
