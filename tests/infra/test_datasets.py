"""Which datasets the settings make, and just what they grant on each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.infra.loops import event_loops
from tests.infra.program import Recorder, declared
from tests.infra.test_settings import refused

DBT = "serviceAccount:dbt-dev@demo-flights.iam.gserviceaccount.com"
MAIN, RAW = "demo-flights.demo_flights_dev", "demo-flights.demo_flights_dev_raw"
EDITOR, VIEWER, OWNER = (f"roles/bigquery.data{kind}" for kind in ("Editor", "Viewer", "Owner"))
ALL = {
    "datasets": ["_staging", "finance"],
    "readDatasets": ["_landing", "other-project.sales"],
}


@pytest.fixture(autouse=True)
def loop() -> Iterator[None]:
    with event_loops():
        yield


def made(recorder: Recorder) -> dict[str, dict[str, Any]]:
    return {one["datasetId"]: one for one in recorder.inputs("gcp:bigquery/dataset:Dataset")}


def grants(recorder: Recorder) -> dict[str, str]:
    found = recorder.grants()
    assert {member for _, _, member in found} == {DBT}
    roles = {dataset: role for dataset, role, _ in found}
    assert len(roles) == len(found)
    return roles


def test_dbt_writes_some_and_reads_others_that_nobody_makes() -> None:
    found = declared(**ALL, tableExpirationDays=2)
    assert set(made(found)) == {
        "demo_flights_dev",
        "demo_flights_dev_raw",
        "demo_flights_dev_staging",
        "finance",
    }
    assert grants(found) == {
        MAIN: EDITOR,
        f"{MAIN}_staging": EDITOR,
        "demo-flights.finance": EDITOR,
        RAW: VIEWER,
        f"{MAIN}_landing": VIEWER,
        "other-project.sales": VIEWER,
    }
    # As the main one is; raw data stays.
    like_main = ("labels", "location", "deleteContentsOnDestroy", "defaultTableExpirationMs", "description")
    for name in ("demo_flights_dev_staging", "finance"):
        for key in like_main:
            assert made(found)[name][key] == made(found)["demo_flights_dev"][key], key
    assert "defaultTableExpirationMs" not in made(found)["demo_flights_dev_raw"]
    assert found.outputs["datasets"]["_staging"] == f"{MAIN}_staging"


def test_what_exists_is_granted_alone() -> None:
    found = declared(**ALL, existingDatasets=["demo_flights_dev", "_staging", "_raw"])
    assert set(made(found)) == {"finance"}
    assert grants(found) == grants(declared(**ALL))


def test_dbt_may_give_access_where_that_is_said_and_nowhere_else() -> None:
    granting = ["_staging", "other-project.sales", "demo_flights_dev_raw"]
    usual, found = grants(declared(**ALL)), grants(declared(**ALL, grantingDatasets=granting))
    assert {name for name in usual if usual[name] != found[name]} == {
        f"{MAIN}_staging",
        "other-project.sales",
        RAW,
    }
    assert {found[name] for name in (f"{MAIN}_staging", "other-project.sales", RAW)} == {OWNER}


def test_dbt_may_write_raw_data_too_and_it_still_stays() -> None:
    found = declared(datasets=["_raw"], tableExpirationDays=2, deleteContentsOnDestroy=True)
    raw = made(found)["demo_flights_dev_raw"]
    assert grants(found)[RAW] == EDITOR
    assert "defaultTableExpirationMs" not in raw
    assert not raw["deleteContentsOnDestroy"]


def test_raw_data_has_a_switch_of_its_own() -> None:
    for contents, raw in ((True, False), (False, True), (True, True)):
        found = made(declared(deleteContentsOnDestroy=contents, deleteRawDataOnDestroy=raw))
        assert found["demo_flights_dev"]["deleteContentsOnDestroy"] == contents
        assert found["demo_flights_dev_raw"]["deleteContentsOnDestroy"] == raw


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"datasets": ["my-data"]}, "'my-data' is no dataset name: letters, digits and _ only; try my_data"),
        ({"datasets": ["a" * 1025]}, "is no dataset name"),
        ({"datasets": ["_" + "a" * 1020]}, "longer than the 1024 characters"),
        ({"datasets": ["demo_flights_dev"]}, "is the main dataset: dbt writes to it anyway"),
        ({"datasets": ["_a", "demo_flights_dev_a"]}, "'demo_flights_dev_a' is there twice, as '_a' too"),
        ({"datasets": ["Other.x"]}, "'Other' is no Google project; write `project.dataset`"),
        ({"readDatasets": ["_raw"]}, "dbt reads it anyway"),
        ({"datasets": ["_a"], "readDatasets": ["_a"]}, "a dataset that dbt writes to, so it reads it anyway"),
        ({"existingDatasets": ["_a"]}, "demo_flights_dev, demo_flights_dev_raw"),
        ({"readDatasets": ["x"], "existingDatasets": ["x"]}, "belongs to `readDatasets` alone"),
        ({"grantingDatasets": ["x"]}, "'x' is none of this stack's datasets"),
        ({"dropOnUpdate": ["x"]}, "such as my_dataset@EU"),
        ({"datasets": "x"}, "valid list"),
    ],
)
def test_a_mistake_is_told_once_with_its_line(tmp_path: Path, values: dict[str, Any], said: str) -> None:
    setting = list(values)[-1]
    message = refused(tmp_path, f"config:\n  projet-m2-bi:{setting}:\n    - x\n", **values)
    assert said in message
    assert f"Pulumi.dev.yaml line 2 (projet-m2-bi:{setting})" in message
    assert len(message.splitlines()) == 2


def test_a_dataset_may_begin_with_a_digit_and_the_default_name_is_one(tmp_path: Path) -> None:
    assert "2024_marts" in made(declared(dataset="2024_marts"))
    assert "no dataset name" in refused(tmp_path, dataset="é")
