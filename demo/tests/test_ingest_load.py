"""Loading the raw data into a BigQuery that answers, and what the command line says when one does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from google.cloud import bigquery

from demo import ingest, raw_csv, raw_data, raw_load
from demo.raw_tables import LOADED_AT, TABLES
from flows.errors import NotSetUpError
from flows.target import blocks
from tests.flows import servers
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from demo.raw_tables import RawTable

ROWS = {"flights": 336_776, "weather": 26_115, "planes": 3_322, "airports": 1_458, "airlines": 16}
TYPES = {"INTEGER": "INT64", "FLOAT": "FLOAT64"}
RAW = "demo-flights.demo_flights_test_raw"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[bigquery.Client]:
    with servers.bigquery(tmp_path_factory.mktemp("bigquery")) as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv(ingest.TOKEN, "any")
        place = blocks.BigQueryTarget("demo-flights", "demo_flights_test", "EU", url)
        patch.setattr(blocks, "load_bigquery_target", lambda _: place)
        with ingest.connect(place, "dev") as connected:
            connected.create_dataset(RAW)
            yield connected


@pytest.fixture(scope="module")
def loaded(client: bigquery.Client) -> bigquery.Client:
    assert ingest.ingest("test", raw_data.fetch()) == list(ROWS)
    return client


def state(client: bigquery.Client) -> list[tuple[object, ...]]:
    tables = [client.get_table(f"{RAW}.{name}") for name in ROWS]
    return [(table.modified, table.num_rows, table.labels) for table in tables]


@pytest.mark.real
@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_rows_and_types_arrive_as_declared(loaded: bigquery.Client, table: RawTable) -> None:
    arrived = loaded.get_table(f"{RAW}.{table.name}")
    found = [(field.name, TYPES.get(field.field_type, field.field_type)) for field in arrived.schema]
    assert found == [(column.name, column.type) for column in (*table.columns, LOADED_AT)]
    assert all(field.description for field in arrived.schema)
    assert arrived.num_rows == ROWS[table.name]


@pytest.mark.real
def test_missing_values_arrive_as_nulls(loaded: bigquery.Client) -> None:
    sql = f"""
        select countif(dep_time is null), countif(tailnum is null), countif(arr_delay is null), avg(dep_delay)
        from `{RAW}.flights`"""
    (row,) = loaded.query(sql).result()
    assert tuple(row) == (8_255, 2_512, 9_430, pytest.approx(12.63907, abs=1e-5))


@pytest.mark.real
def test_loading_twice_changes_nothing(loaded: bigquery.Client, capsys: pytest.CaptureFixture[str]) -> None:
    before = state(loaded)
    assert ingest.main(["--target", "test"]) == 0
    assert state(loaded) == before
    assert capsys.readouterr().out.endswith("0 of 5 tables loaded\n")


@pytest.mark.real
def test_one_bad_file_keeps_all_from_being_loaded(
    loaded: bigquery.Client, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for table in TABLES:
        content = (raw_data.DEFAULT_DIRECTORY / table.file_name).read_text().splitlines()[:9]
        (tmp_path / table.file_name).write_text("\n".join(content) + "\n")
    bad = tmp_path / "planes.csv"
    bad.write_text(bad.read_text().replace(",55,", ",many,", 1))
    before = state(loaded)
    assert ingest.main(["--target", "test", "--data", str(tmp_path)]) == 2
    assert f"error: {bad}, line 2, column seats: 'many'" in capsys.readouterr().err
    assert state(loaded) == before


@pytest.mark.real
def test_a_table_that_somebody_emptied_is_loaded_again(loaded: bigquery.Client) -> None:
    loaded.query(f"delete from `{RAW}.airlines` where true").result()
    assert ingest.ingest("test", None) == ["airlines"]


@pytest.mark.real
def test_a_load_that_was_cut_off_is_done_again(
    loaded: bigquery.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    (airlines,) = (table for table in TABLES if table.name == "airlines")
    raw = raw_csv.read(airlines, raw_data.DEFAULT_DIRECTORY / "airlines.csv")
    with monkeypatch.context() as patch:
        patch.setattr(raw_load, "_check_arrival", interrupt)
        with pytest.raises(KeyboardInterrupt):
            raw_load.load(loaded, RAW, [raw], force=True, say=print)
    assert raw_load.load(loaded, RAW, [raw], force=False, say=print) == ["airlines"]


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.real
def test_without_the_raw_dataset_the_command_that_makes_it_is_named(
    loaded: bigquery.Client, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = blocks.BigQueryTarget("demo-flights", "absent", "EU", loaded._connection.API_BASE_URL)
    monkeypatch.setattr(blocks, "load_bigquery_target", lambda _: place)
    assert ingest.main(["--target", "dev"]) == 3
    error = capsys.readouterr().err
    assert "demo-flights.absent_raw does not exist" in error
    assert "pulumi up -s dev" in error


def test_a_bigquery_that_is_away_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    for table in TABLES:
        (tmp_path / table.file_name).write_text("")
    monkeypatch.setenv(ingest.TOKEN, "any")
    monkeypatch.setattr(blocks, "load_bigquery_target", lambda _: blocks.BigQueryTarget("p", "d", "EU", url))
    assert ingest.main(["--target", "local", "--data", str(tmp_path)]) == 4
    assert url in (error := capsys.readouterr().err)
    assert "python -m local up" in error


def test_a_google_login_is_never_sent_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ingest.TOKEN, raising=False)
    with pytest.raises(NotSetUpError, match=f"{ingest.TOKEN} is not set"):
        ingest.connect(blocks.BigQueryTarget("p", "d", "EU", "http://127.0.0.1:1"), "dev")


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("https://bigquery.googleapis.com", True),
        ("https://bigquery.europe-west1.rep.googleapis.com/", True),
        ("http://bigquery.googleapis.com", False),
        ("https://googleapis.com.example.com", False),
        ("http://127.0.0.1:19050", False),
    ],
)
def test_googles_servers_are_told_from_others(endpoint: str, expected: bool) -> None:
    assert ingest.is_google(endpoint) is expected
