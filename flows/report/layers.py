"""Place the boxes of a graph in columns, so that every arrow leads to the right. Pure.

The usual layered drawing (K. Sugiyama and others, 1981): arrows that would close a circle are left out of the
placing, a box stands right of all that it comes from, a long arrow has a stop in each column that it passes,
and the stops of a column are ordered by the middle of their neighbours.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from statistics import fmean
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    Edge = tuple[str, str]
    # A box, or an arrow on its way through a column.
    Stop = str | tuple[str, str, int]
    Place = tuple[int, float]  # column, row

_SWEEPS = 12


def place(boxes: Sequence[str], edges: Iterable[Edge]) -> tuple[dict[str, Place], dict[Edge, list[Place]]]:
    """Return the place of each box, rows from 0 on, and where each arrow passes, both its ends included."""
    edges = [edge for edge in dict.fromkeys(edges) if edge[0] != edge[1]]
    column = _columns(boxes, _without_circles(boxes, edges))
    ways: dict[Edge, list[Stop]] = {}
    for start, end in edges:
        first, last = column[start], column[end]
        passed = range(first + 1, last) if first < last else range(first - 1, last, -1)
        stops: dict[Stop, int] = {(start, end, number): number for number in passed}
        ways[start, end] = [start, *stops, end]
        column |= stops
    columns: list[list[Stop]] = [[] for _ in range(max(column.values(), default=-1) + 1)]
    for stop, number in column.items():
        columns[number].append(stop)
    rows = _rows(columns, ways.values())
    top = min(rows.values(), default=0.0)

    def at(stop: Stop) -> Place:
        return column[stop], rows[stop] - top

    return {box: at(box) for box in boxes}, {edge: [at(stop) for stop in way] for edge, way in ways.items()}


def _without_circles(boxes: Iterable[str], edges: Iterable[Edge]) -> list[Edge]:
    """Leave out each arrow that leads back to a box from which one has come, going depth first."""
    after: dict[str, list[str]] = defaultdict(list)
    for start, end in edges:
        after[start].append(end)
    kept: list[Edge] = []
    done: set[str] = set()
    for box in boxes:
        if box in done:
            continue
        path, waiting = [box], [iter(after[box])]
        while path:
            child = next(waiting[-1], None)
            if child is None:
                done.add(path.pop())
                waiting.pop()
            elif child not in path:
                kept.append((path[-1], child))
                if child not in done:
                    path.append(child)
                    waiting.append(iter(after[child]))
    return kept


def _columns(boxes: Iterable[str], edges: Sequence[Edge]) -> dict[Stop, int]:
    """Return the length of the longest way to each box; what comes from nothing stands next to its reader."""
    column: dict[Stop, int] = dict.fromkeys(boxes, 0)
    moved = True
    while moved:
        moved = False
        for start, end in edges:
            if column[end] <= column[start]:
                column[end], moved = column[start] + 1, True
    reached = {end for _, end in edges}
    for box in column:
        if box not in reached and (readers := [column[end] for start, end in edges if start == box]):
            column[box] = min(readers) - 1
    return column


def _rows(columns: Sequence[list[Stop]], ways: Iterable[Sequence[Stop]]) -> Mapping[Stop, float]:
    near: dict[Stop, list[Stop]] = defaultdict(list)
    for way in ways:
        for one, other in pairwise(way):
            near[one].append(other)
            near[other].append(one)
    rows: dict[Stop, float] = {stop: index for stops in columns for index, stop in enumerate(stops)}
    for sweep in range(_SWEEPS):
        for stops in columns[:: 1 if sweep % 2 == 0 else -1]:
            wanted = {
                stop: fmean(rows[one] for one in near[stop]) if near[stop] else rows[stop] for stop in stops
            }
            stops.sort(key=wanted.__getitem__)
            lowest = float("-inf")
            for stop in stops:
                rows[stop] = lowest = max(wanted[stop], lowest + 1)
            shift = fmean(wanted[stop] - rows[stop] for stop in stops)
            for stop in stops:
                rows[stop] += shift
    return rows
