"""Timeline and lineage, of few nodes and of many."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from flows.engine.details import NodeDetails
from flows.engine.results import NodeResult
from flows.report import layers, lineage_graph, timeline
from tests.flows.documents import node

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
GOOD, FAILED, UNTRUSTED = "#dbeafe", "#fecaca", "#fef3c7"
SVG = "{http://www.w3.org/2000/svg}"


def details(second: int, *parents: str, folder: str = "models/marts") -> NodeDetails:
    started = BEGIN + timedelta(seconds=second)
    thread = f"Thread-{second % 4}"
    return NodeDetails(started, started + timedelta(seconds=1), thread, folder, parents, None, None, None)


def chain(number: int) -> tuple[list[NodeResult], dict[str, NodeDetails]]:
    nodes = [node(f"m{index}") for index in range(number)]
    known = {
        one["id"]: details(index, *([nodes[index - 1]["id"]] if index else []), folder=f"models/f{index % 3}")
        for index, one in enumerate(nodes)
    }
    return nodes, known


def texts(svg: str | None) -> list[str]:
    return [one.text or "" for one in ET.fromstring(svg or "").iter(f"{SVG}text")]


def test_a_row_per_node_or_per_thread() -> None:
    assert {"m0", "m7"} < set(texts(timeline.draw(*chain(8))))
    many = timeline.draw(*chain(230))
    assert [text for text in texts(many) if text.startswith("thread")] == [
        f"thread {n}" for n in (1, 2, 3, 4)
    ]
    assert len(many or "") < 60_000


def test_a_failed_node_is_red_and_a_skipped_one_absent() -> None:
    nodes, known = chain(3)
    nodes[1]["status"], nodes[2]["status"] = "error", "skipped"
    svg = timeline.draw(nodes, known) or ""
    assert svg.count("#dc2626") == 1
    assert "m2" not in texts(svg)


def test_nothing_is_drawn_of_nothing() -> None:
    assert timeline.picture([], {}) is None
    assert lineage_graph.picture([], {}) is None


def fills(drawn: str | None) -> dict[str, str]:
    """Return the colour of each box by its text."""
    boxes = [one for one in ET.fromstring(drawn or "").iter(f"{SVG}rect") if one.get("rx")]
    return dict(zip(texts(drawn), (one.get("fill") or "" for one in boxes), strict=True))


def test_a_box_per_table_or_per_folder() -> None:
    few = lineage_graph.draw(*chain(3))
    assert fills(few) == dict.fromkeys(("m0", "m1", "m2"), GOOD)
    assert len(list(ET.fromstring(few or "").iter(f"{SVG}path"))) == 2
    nodes, known = chain(230)
    nodes[1]["status"] = "error"
    many = lineage_graph.draw(nodes, known)
    assert fills(many) == {
        "models/f0: 77 nodes": GOOD,
        "models/f1: 77 nodes, 1 not good": FAILED,
        "models/f2: 76 nodes": GOOD,
    }
    # Folders read each other in a circle.
    assert len(list(ET.fromstring(many or "").iter(f"{SVG}path"))) == 3


def test_folders_are_shortened_until_there_are_few() -> None:
    nodes, known = chain(120)
    known = {
        one: replace(details, folder=f"models/a{number % 4}/b{number}")
        for number, (one, details) in enumerate(known.items())
    }
    assert set(texts(lineage_graph.draw(nodes, known))) == {
        f"models/a{number}: 30 nodes" for number in range(4)
    }


def test_a_table_whose_test_failed_is_not_trusted() -> None:
    nodes, known = chain(2)
    test = node("t", "fail", kind="test")
    drawn = lineage_graph.draw([*nodes, test], {**known, test["id"]: details(3, nodes[0]["id"])})
    assert fills(drawn) == {"m0": UNTRUSTED, "m1": GOOD}


def test_a_name_cannot_break_out_of_the_picture() -> None:
    nodes, known = chain(1)
    nodes[0]["name"] = "x</text><script>"
    assert texts(lineage_graph.draw(nodes, known)) == ["x</text><script>"]


def test_arrows_lead_to_the_right_and_around_boxes() -> None:
    edges = [("a", "b"), ("b", "c"), ("c", "d"), ("a", "d"), ("late", "d"), ("d", "b")]
    at, ways = layers.place(["a", "b", "c", "d", "late", "alone"], edges)
    assert {box: column for box, (column, _) in at.items()} == {
        "a": 0, "b": 1, "c": 2, "d": 3, "late": 2, "alone": 0,
    }  # fmt: skip
    assert [column for column, _ in ways["a", "d"]] == [0, 1, 2, 3]
    # No two boxes overlap, and a long arrow keeps off the boxes that it passes.
    stops = [*at.values(), *(stop for way in ways.values() for stop in way[1:-1])]
    assert all(
        abs(one[1] - other[1]) > 0.99
        for index, one in enumerate(stops)
        for other in stops[:index]
        if one[0] == other[0]
    )


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh")), max_size=30))
def test_any_graph_has_places(edges: list[tuple[str, str]]) -> None:
    at, ways = layers.place("abcdefgh", edges)
    assert set(at) == set("abcdefgh")
    assert set(ways) == {edge for edge in edges if edge[0] != edge[1]}
    assert len(set(at.values())) == len(at)
