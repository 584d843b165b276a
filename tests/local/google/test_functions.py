"""Functions that DuckDB has and BigQuery has not are refused, those of BigQuery and of the user are not."""

from __future__ import annotations

import subprocess

import pytest

from local.google.errors import GoogleError
from local.google.sql.functions import SHARED, is_engines, require_bigquerys
from tests.gateway import EMULATOR_PYTHON

EVERY_FUNCTION = """
import duckdb, duckdb_extension_spatial, pathlib
package = pathlib.Path(duckdb_extension_spatial.__file__).parent
connection = duckdb.connect()
connection.execute(f"LOAD '{next(package.rglob('*.duckdb_extension'))}'")
connection.execute("SET enable_progress_bar = false")
for name, in connection.execute("select distinct lower(function_name) from duckdb_functions()").fetchall():
    print(name)
"""


@pytest.mark.parametrize(
    "sql",
    [
        "select list_sort([2, 1])",
        "select strftime(d, '%Y') from a.t",
        "select * from read_text('/etc/passwd')",
        "select * from `read_csv`('/x')",
        "select 1;\nselect READ_PARQUET ('http://127.0.0.1/x')",
        "call enable_logging(storage='file', storage_path='/x')",
        "select * from a.t where x in (select content from read_blob('/x'))",
        "create table a.t as select * from glob('/*')",
        "create temp function f() as (getvariable('x')); select f()",
        "copy (select 1) to '/x'",
        "select 1; INSTALL httpfs",
        "load httpfs",
        "attach '/x' as y",
        "begin pragma database_list; end",
        "export database '/x'",
        "merge a.t using query('select 1') on false when not matched then insert row",
    ],
)
def test_the_engines_own_are_refused(sql: str) -> None:
    with pytest.raises(GoogleError, match=r"^(Function|Procedure) not found: |^Syntax error: ") as refusal:
        require_bigquerys(sql)
    assert (refusal.value.code, refusal.value.reason) == (400, "invalidQuery")


@pytest.mark.parametrize(
    "sql",
    [
        "select date_trunc(d, week(monday)), count(*), left('a', 1), if(true, 1, 2), safe.substr('a', 1)",
        "select a.list_sort(1), `p.a.strftime`(2), net.host('x'), keys.new_keyset('x'), st_astext(g)",
        "create temp function list_sort(x int64) as (x); select list_sort(1)",
        "load data into a.t from files (format = 'CSV', uris = ['gs://b/f'])",
        "export data options (uri = 'gs://b/*', format = 'CSV') as select 1",
        "execute immediate 'select 1'; call a.p(1); select 'copy x'; -- attach",
        "insert into list (a, b) values ('strftime(', r'read_text(')",
        "create table if not exists user (day date, hour numeric(10, 2))",
        "with query as (select 1) select * from query",
        "select case when a.show then use else load end from a.t",
        "select * replace (upper(a) as a) from a.t left join a.u using (id) -- read_text('x')",
    ],
)
def test_bigquerys_and_the_users_own_are_not(sql: str) -> None:
    require_bigquerys(sql)


@pytest.mark.real
def test_every_function_of_the_engine_is_known_as_its_own_or_as_bigquerys() -> None:
    found = subprocess.run(
        [EMULATOR_PYTHON, "-c", EVERY_FUNCTION], capture_output=True, text=True, check=True, timeout=120
    )
    names = {name for name in found.stdout.split() if name.isidentifier()}
    assert {name for name in names if is_engines(name) == (name in SHARED)} == set()
