"""The rows of a failed test: data, which leaves BigQuery only where the stack says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from flows.engine.details import NodeDetails
from flows.report import failing_rows
from flows.target import dbt_profile, warehouse
from tests.flows.documents import document, node

if TYPE_CHECKING:
    from collections.abc import Mapping

PROFILE = dbt_profile.from_document(document(), "dev")
FAILED = node("t", "fail", kind="test")
DETAILS = {FAILED["id"]: NodeDetails(None, None, "Thread-1", "tests", (), None, None, "select 7 as n")}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Mapping[str, str]]:
    """What BigQuery is asked meanwhile, by the labels of the jobs."""
    jobs: list[Mapping[str, str]] = []

    def query(_profile: object, _sql: str, _seconds: float, labels: Mapping[str, str]) -> dict[str, Any]:
        jobs.append(labels)
        return {"schema": {"fields": [{"name": "n"}]}, "rows": [{"f": [{"v": "7"}]}]}

    monkeypatch.setattr(warehouse, "query", query)
    return jobs


def test_rows_are_shown_only_where_they_are_wanted(asked: list[Mapping[str, str]]) -> None:
    [without] = failing_rows.sections([FAILED], DETAILS, PROFILE, rows=False).values()
    assert "select 7 as n" in without
    assert asked == []
    [shown] = failing_rows.sections([FAILED], DETAILS, PROFILE, rows=True).values()
    assert "| n |\n| --- |\n| 7 |" in shown
    assert [job["step"] for job in asked] == ["failing-rows"]
