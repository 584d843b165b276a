"""The emulator itself, spoken to past the gateway: it listens on no port and reaches no file but its own."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import httpx
import psutil
import pytest

from tests import gateway as servers
from tests.local.google.world import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.real

# Each with a path to put in.
READS = (
    "select content from read_text('{0}')",
    "select content from read_blob('{0}')",
    "select * from read_csv('{0}')",
    "select * from `{0}`",
    "select * from glob('{0}')",
    "select * from sniff_csv('{0}')",
    "select * from query('select * from read_text(''{0}'')')",
    "select * from read_parquet('http://127.0.0.1:9/{0}')",
    "attach '{0}' as other",
    "import database '{0}'",
    "load '{0}'",
    "install httpfs from '{0}'",
)
UNLOCKS = (
    "set enable_external_access = true",
    "set allowed_directories = ['/']",
    "reset lock_configuration",
    "create secret s (type s3)",
)


def asking(emulator: str) -> httpx.Client:
    transport = httpx.HTTPTransport(uds=emulator.removeprefix("unix:"))
    return httpx.Client(transport=transport, base_url="http://bigquery", timeout=120)


@pytest.fixture(scope="module")
def past_the_gateway(emulator: str) -> Iterator[httpx.Client]:
    with asking(emulator) as client:
        yield client


def run(client: httpx.Client, sql: str) -> httpx.Response:
    path = f"/bigquery/v2/projects/{PROJECT}/queries"
    return client.post(path, json={"query": sql, "useLegacySql": False})


def failed(answer: httpx.Response) -> bool:
    return answer.status_code >= 400 or bool(answer.json().get("errors"))


@pytest.mark.parametrize("sql", [*READS, *UNLOCKS])
def test_sql_reaches_no_file_and_unlocks_nothing(
    past_the_gateway: httpx.Client, sql: str, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("password\nhunter2\n")
    answer = run(past_the_gateway, sql.format(secret))
    assert failed(answer), answer.text
    assert "hunter2" not in answer.text


@pytest.mark.parametrize("sql", ["copy (select 1) to '{0}/f.csv'", "export database '{0}/d'"])
def test_sql_writes_no_file(past_the_gateway: httpx.Client, sql: str, tmp_path: Path) -> None:
    assert failed(run(past_the_gateway, sql.format(tmp_path)))
    assert list(tmp_path.iterdir()) == []


def test_a_job_loads_no_file(past_the_gateway: httpx.Client, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("password\nhunter2\n")
    destination = {"projectId": PROJECT, "datasetId": "taken", "tableId": "t"}
    past_the_gateway.post(
        f"/bigquery/v2/projects/{PROJECT}/datasets", json={"datasetReference": destination}
    ).raise_for_status()
    load = {"sourceUris": [f"file://{secret}"], "destinationTable": destination, "autodetect": True}
    answer = past_the_gateway.post(
        f"/bigquery/v2/projects/{PROJECT}/jobs", json={"configuration": {"load": load}}
    )
    assert "hunter2" not in run(past_the_gateway, "select * from taken.t").text
    assert answer.status_code >= 400 or "errorResult" in answer.json()["status"]


def serving(emulator: str) -> psutil.Process:
    socket = emulator.removeprefix("unix:")
    [served] = [
        process
        for process in psutil.process_iter(["cmdline"])
        if f"--socket={socket}" in (process.info["cmdline"] or ())
    ]
    return served


def test_nothing_listens_on_a_port(emulator: str) -> None:
    connections = serving(emulator).net_connections("inet")
    assert [at for at in connections if at.status == psutil.CONN_LISTEN] == []


def test_what_duckdb_needs_still_works(past_the_gateway: httpx.Client) -> None:
    answer = run(
        past_the_gateway, "select st_astext(st_geogpoint(1, 2)) as point, farm_fingerprint('a') as f"
    )
    assert answer.json()["rows"], answer.text


def test_javascript_that_takes_too_much_memory_ends_alone(past_the_gateway: httpx.Client) -> None:
    body = "let a = []; while (true) a.push(new Array(1000000).fill(1))"
    answer = run(
        past_the_gateway, f"create temp function f() returns int64 language js as '{body}'; select f()"
    )
    assert "UDF out of memory" in answer.text
    assert not failed(run(past_the_gateway, "select 1"))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an emulator with little memory."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCAL_BIGQUERY_MEMORY", "200MB")
        patch.setenv("LOCAL_BIGQUERY_PROCESS_MB", "900")
        with servers.emulated(tmp_path_factory.mktemp("small"), PROJECT) as address:
            yield address


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds what a process has asked for")
@pytest.mark.parametrize(
    "sql",
    [
        "select length(repeat('abc', 400000000))",
        "select array_length(generate_array(1, 150000000))",
        "select length(format('%900000000d', 1))",
        "select length(string_agg(repeat('x', 1000000))) from unnest(generate_array(1, 1200))",
    ],
)
def test_a_query_that_takes_too_much_memory_ends_alone(small: str, sql: str) -> None:
    with asking(small) as client:
        [error] = run(client, sql).json()["errors"]
        assert error["reason"] == "resourcesExceeded", error
        assert "200MB" in error["message"]
        assert "(LOCAL_BIGQUERY_PROCESS_MB)" in error["message"]
        # What it had taken is there for others. V8 maps some hundred megabytes that it never touches.
        seven = "create temp function f() returns int64 language js as 'return 7'; select f()"
        assert run(client, seven).json()["rows"] == [{"f": [{"v": "7"}]}]
        assert not failed(run(client, "select length(repeat('abc', 10000000))"))
    assert serving(small).memory_info().rss < 900_000_000
