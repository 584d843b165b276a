"""A run whose tables are built does not fail by what is only looked at."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from flows.commands.options import Options
from flows.report import artifact, failing_rows, lineage_graph, summaries, timeline
from flows.target import dbt_profile
from tests.flows.documents import document, report

PIECES = [
    (timeline, "picture", "the picture over time"),
    (lineage_graph, "picture", "the lineage"),
    (failing_rows, "sections", "what failed tests found"),
    (artifact, "_links", "the links to Google's console"),
    (artifact, "_flow_run", "the link to Prefect's page"),
]


def broken(*_: object, **__: object) -> Any:
    raise ValueError("drawn badly")


@pytest.mark.parametrize(("module", "name", "what"), PIECES)
def test_a_piece_that_fails_is_missing_and_that_is_said(
    module: Any, name: str, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, name, broken)
    profile = dbt_profile.from_document(document(), "dev")
    project: Any = SimpleNamespace(details={}, profile=profile, options=Options())
    said: list[str] = []
    extras = artifact.extras(report(), project, lambda _level, line: said.append(line))
    assert said == [f"{what} is left out of this run: ValueError('drawn badly')"]
    assert summaries.markdown(report(), extras).startswith("# dbt on")
