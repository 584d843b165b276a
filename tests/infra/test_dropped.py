"""No update drops tables, or meets somebody else's dataset, unseen: BigQuery is asked at preview."""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterator
from typing import Any

import pytest

from infra.google import dropped
from infra.kept_tables import KeptTablesProvider
from providers.api.errors import KeptError
from tests.flows.servers import answering

LABELS = {"environment": "dev", "managed-by": "pulumi"}
ONE, OTHER = "demo-flights.one", "example.com:demo.other"


class BigQuery:
    """Datasets with their labels and how many tables each has; anything else is not found."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.tables: dict[str, int] = {}
        self.labels: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []
        self.status = 200

    def answer(self, _method: str, path: str) -> tuple[int, dict[str, Any]]:
        self.asked.append(path)
        match = re.fullmatch(r"/bigquery/v2/projects/([^/]+)/datasets/([^/?]+)(/tables.*)?", path)
        assert match
        name = f"{match[1]}.{match[2]}"
        if self.status != 200 or name not in self.tables:
            return (self.status if self.status != 200 else 404), {}
        return 200, {"totalItems": self.tables[name]} if match[3] else {"labels": self.labels.get(name, {})}


@pytest.fixture
def bigquery(monkeypatch: pytest.MonkeyPatch) -> Iterator[BigQuery]:
    monkeypatch.setenv(dropped.TOKEN, "a-token")
    found = BigQuery("")
    with answering(found.answer) as url:
        found.url = url
        yield found


def told(bigquery: BigQuery, datasets: dict[str, str], **more: Any) -> dict[str, Any]:
    return {
        "datasets": datasets,
        "protected": {},
        "labels": LABELS,
        "may_drop": [],
        "api_endpoint": bigquery.url,
        "stack": "dev",
        **more,
    }


def check(bigquery: BigQuery, had: dict[str, str], wanted: dict[str, str], **more: Any) -> None:
    dropped.check(told(bigquery, had), told(bigquery, wanted, **more))


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ({ONE: "US"}, "its location is to be US"),
        ({}, "the settings no longer make it"),
        ({OTHER: "EU"}, "no longer"),
    ],
)
def test_tables_that_would_go_are_kept(bigquery: BigQuery, wanted: dict[str, str], why: str) -> None:
    bigquery.tables = {ONE: 3}
    with pytest.raises(KeptError, match=why) as caught:
        check(bigquery, {ONE: "EU"}, wanted)
    assert "the dataset one in EU would be dropped with its 3 tables" in str(caught.value)
    assert "`pulumi config set --path 'dropOnUpdate[0]' one@EU -s dev`" in str(caught.value)
    # What that command sets, lets just that one go.
    for spelt in ("one@EU", f"{ONE}@EU"):
        check(bigquery, {ONE: "EU"}, wanted, may_drop=[spelt])
    with pytest.raises(KeptError):
        check(bigquery, {ONE: "EU"}, wanted, may_drop=["one@US"])


def test_without_tables_there_is_nothing_to_keep(bigquery: BigQuery) -> None:
    bigquery.tables = {ONE: 0}
    check(bigquery, {ONE: "EU", OTHER: "EU"}, {ONE: "US"})


def test_what_bigquery_does_not_tell_counts_as_full(
    bigquery: BigQuery, monkeypatch: pytest.MonkeyPatch
) -> None:
    bigquery.tables, bigquery.status = {ONE: 0}, 403
    with pytest.raises(KeptError, match=r"BigQuery can't be asked: HTTP 403"):
        check(bigquery, {ONE: "EU"}, {})
    # No login of Google's is sent to another server.
    monkeypatch.delenv(dropped.TOKEN)
    with pytest.raises(KeptError, match=f"{dropped.TOKEN} is not set"):
        check(bigquery, {ONE: "EU"}, {})


def test_the_way_out_of_a_protected_one_begins_with_its_switch(bigquery: BigQuery) -> None:
    bigquery.tables = {ONE: 1}
    with pytest.raises(
        KeptError, match=r"its 1 table, .*deleteRawDataOnDestroy true -s dev && pulumi up -s dev`"
    ):
        check(bigquery, {ONE: "EU"}, {ONE: "US"}, protected={ONE: "deleteRawDataOnDestroy"})


def test_somebody_elses_dataset_is_met_at_preview(bigquery: BigQuery) -> None:
    bigquery.tables = {ONE: 1}
    with pytest.raises(KeptError, match="exists in the project demo-flights already") as caught:
        check(bigquery, {}, {ONE: "EU"})
    assert "`pulumi config set --path 'existingDatasets[0]' one -s dev`" in str(caught.value)
    # The stack's own, of a state in which this resource is new.
    bigquery.labels = {ONE: {**LABELS, "goog-pulumi-provisioned": "true"}}
    check(bigquery, {}, {ONE: "EU"})
    # Who may not look leaves it to `pulumi up`.
    bigquery.status = 403
    check(bigquery, {}, {OTHER: "EU"})


def test_a_dataset_that_is_only_granted_has_to_be_there(bigquery: BigQuery) -> None:
    bigquery.tables = {ONE: 1}
    check(bigquery, {}, {}, there=[ONE])
    with pytest.raises(KeptError, match=r"the dataset other does not exist in the project example\.com"):
        check(bigquery, {}, {}, there=[ONE, OTHER])
    # One that was granted before is not asked of again, and who may not look leaves it to `pulumi up`.
    dropped.check(told(bigquery, {}, there=[OTHER]), told(bigquery, {}, there=[OTHER]))
    bigquery.status = 403
    check(bigquery, {}, {}, there=[OTHER])


def test_nobody_is_asked_where_nothing_changes(bigquery: BigQuery) -> None:
    check(bigquery, {ONE: "EU"}, {ONE: "EU"}, may_drop=["x@EU"])
    assert bigquery.asked == []


def test_the_provider_in_a_state_of_today_is_found_tomorrow() -> None:
    """What runs at the next preview is the pickle in the state: change the code, never this."""
    written = (
        b"\x80\x04\x95/\x00\x00\x00\x00\x00\x00\x00\x8c\x11infra.kept_tables"
        b"\x94\x8c\x12KeptTablesProvider\x94\x93\x94)R\x94."
    )
    assert isinstance(pickle.loads(written), KeptTablesProvider)
