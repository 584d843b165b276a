"""A watch that fails is left out; dbt and the other watches go on. And where a node's link leads."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from flows.engine.details import NodeDetails
from flows.engine.events import Event, Node, Started
from flows.observe.visible import Visible
from flows.report import console
from flows.target.dbt_profile import DbtProfile
from tests.flows import documents

NODE = Node("model.p.a", "a", "model")
STARTED = Started(NODE, datetime(2026, 1, 1, tzinfo=UTC))


class Notes:
    """Keeps the names of what it was told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def begin(self, command: str, lineage: Any) -> None:
        self.told.append("begin")

    def node(self, event: Event) -> None:
        self.told.append("node")

    def line(self, node: Node, level: int, message: str) -> None:
        self.told.append("line")

    def end(self, error: BaseException | None) -> None:
        self.told.append("end")


class Broken(Notes):
    """Fails at the first node."""

    def node(self, event: Event) -> None:
        super().node(event)
        raise OSError("gone")


@pytest.mark.parametrize("order", [1, -1])
def test_a_watch_that_fails_is_left_out_and_said(order: int) -> None:
    broken, notes = Broken(), Notes()
    lines: list[str] = []
    visible = Visible([broken, notes][::order], lambda _level, line: lines.append(line))
    visible.begin("run", documents.lineage())
    visible.node(STARTED)
    visible.node(STARTED)
    visible.line(NODE, 20, "a line")
    visible.end(None)
    assert broken.told == ["begin", "node"]
    assert notes.told == ["begin", "node", "node", "line", "end"]
    assert lines == ["Broken is switched off for this run: OSError('gone')"]


def profile(**output: Any) -> DbtProfile:
    return DbtProfile("dev", "projet_m2_bi", {"project": "p", **output}, {})


TABLE = NodeDetails(None, None, "", "models", (), ("p", "d", "t"), ("p", "EU", "j1"), None)
CONSOLE = "https://console.cloud.google.com/bigquery?project=p"


def test_a_table_links_to_itself_and_a_test_to_its_query() -> None:
    assert console.link(TABLE, profile()) == f"{CONSOLE}&ws=!1m5!1m4!4m3!1sp!2sd!3st"
    test = replace(TABLE, relation=None)
    assert console.link(test, profile()) == f"{CONSOLE}&j=bq:EU:j1&page=queryresults"
    assert console.link(replace(test, job=None), profile()) is None


def test_only_googles_own_endpoint_has_a_page() -> None:
    google = profile(api_endpoint="https://bigquery.googleapis.com/")
    assert console.link(TABLE, google) == console.link(TABLE, profile())
    assert console.link(TABLE, profile(api_endpoint="http://127.0.0.1:1")) is None
