"""The marts, built by dbt from the real data, against figures that Python works out from the same files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from demo.tests import figures
from demo.tests.conftest import PROJECT
from tests import gateway

if TYPE_CHECKING:
    from pathlib import Path

    from demo.tests.conftest import Warehouse

MARTS = gateway.ROOT / "dbt" / "models" / "marts"
# NUMERIC is what the emulator makes of countif and of sums of integers, which BigQuery keeps as INT64.
TYPES = {"INTEGER": "INT64", "NUMERIC": "INT64", "FLOAT": "FLOAT64", "BOOL": "BOOLEAN"}


@pytest.fixture(scope="module")
def expected(data: Path) -> figures.Figures:
    return figures.expected_figures(data)


def declared(model: str) -> dict[str, Any]:
    (found,) = yaml.safe_load((MARTS / f"{model}.yml").read_text())["models"]
    return dict(found)


MODELS = sorted(path.stem for path in MARTS.glob("*.sql"))


def test_the_expected_figures_are_those_known_of_the_data_set(expected: figures.Figures) -> None:
    assert expected["fct_flights.rows"] == 336_776
    assert expected["fct_flights.mean_departure_delay"] == pytest.approx(12.63907, abs=1e-5)


@pytest.mark.real
def test_the_marts_hold_what_the_files_say(full: Warehouse, expected: figures.Figures) -> None:
    found = figures.mart_figures(full.client, PROJECT, full.name)
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-4)


@pytest.mark.real
@pytest.mark.parametrize("model", MODELS)
def test_columns_arrive_as_declared_and_described(full: Warehouse, model: str) -> None:
    fields = full.client.get_table(f"{PROJECT}.{full.name}.{model}").schema
    found = {field.name: TYPES.get(field.field_type, field.field_type) for field in fields}
    columns = declared(model)["columns"]
    assert found == {column["name"]: column["data_type"].upper() for column in columns}
    assert all(field.description for field in fields)


@pytest.mark.real
def test_the_fact_table_is_partitioned_by_month(full: Warehouse) -> None:
    table = full.client.get_table(f"{PROJECT}.{full.name}.fct_flights")
    assert table.time_partitioning is not None
    assert (table.time_partitioning.field, table.time_partitioning.type_) == ("flight_date", "MONTH")


@pytest.mark.real
def test_a_second_build_gives_the_same(full: Warehouse, expected: figures.Figures) -> None:
    again = full.dbt("build", "--exclude-resource-type", "test", "unit_test")
    assert again.code == 0, again.out
    found = figures.mart_figures(full.client, PROJECT, full.name)
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-4)


@pytest.mark.real
def test_data_that_was_loaded_today_is_fresh(full: Warehouse) -> None:
    target = full.directory / "target"
    assert full.dbt("source", "freshness").code == 0
    assert (target / "sources.json").exists()
