"""Timeline and lineage, of few nodes and of many."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta

from flows.engine.results import NodeResult
from flows.report import lineage_graph, timeline
from flows.report.node_details import NodeDetails
from tests.flows.documents import node

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
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
    assert lineage_graph.graph([], {}) is None


def test_a_box_per_table_or_per_folder() -> None:
    few = lineage_graph.graph(*chain(3)) or ""
    assert '  n0["m0"]:::good\n  n1["m1"]:::good' in few
    assert "  n0 --> n1\n  n1 --> n2" in few
    nodes, known = chain(230)
    nodes[1]["status"] = "error"
    many = lineage_graph.graph(nodes, known) or ""
    assert many.count('"]:::') == 3
    assert '["models/f1: 77 nodes, 1 not good"]:::failed' in many
    assert "n0 --> n1" in many


def test_a_table_whose_test_failed_is_not_trusted() -> None:
    nodes, known = chain(2)
    test = node("t", "fail", kind="test")
    graph = lineage_graph.graph([*nodes, test], {**known, test["id"]: details(3, nodes[0]["id"])}) or ""
    assert '["m0"]:::untrusted' in graph
    assert '["m1"]:::good' in graph
    assert '["t"]' not in graph


def test_a_name_cannot_break_out_of_the_graph() -> None:
    nodes, known = chain(1)
    nodes[0]["name"] = 'x"]; click n0 call()'
    assert '["x___ click n0 call__"]' in (lineage_graph.graph(nodes, known) or "")
