"""What is sent to the emulator in a statement's place, and what the gateway does itself."""

from __future__ import annotations

import pytest

from local.google.errors import GoogleError
from local.google.iam.authorize import TableRef
from local.google.sql.names import statements
from local.google.sql.rewrite import rewrite
from local.google.sql.rewrite.actions import Describe, Grant, Located
from local.google.sql.rewrite.literals import plain

T = TableRef("p", "d", "t")
NOTHING = "SELECT 1 AS done LIMIT 0"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"'''a\'b'''", r"'a\'b'"),
        (r'"""say "hi" """', "'say \"hi\" '"),
        ("'''two\nlines'''", r"'two\nlines'"),
        (r"'\u00e9\x41\101'", "'éAA'"),
        (r"r'\d+'", r"r'\d+'"),
        (r"r'''\d'''", r"'\\d'"),
        (r"b'\x00\xff'", "from_hex('00ff')"),
        (r"'it\'s'", r"'it\'s'"),
        (r"-- '''a\'b'''", r"-- '''a\'b'''"),
        (r"`a\x41`", r"`a\x41`"),
    ],
)
def test_strings_have_one_form(written: str, read: str) -> None:
    assert plain(written) == read


@pytest.mark.parametrize(
    ("script", "pieces"),
    [
        ("select 1; select ';'; -- ;\n", ["select 1", "select ';'"]),
        (
            "begin transaction; select 1; commit transaction",
            ["begin transaction", "select 1", "commit transaction"],
        ),
        ("begin select 1; select 2; end; select 3", ["begin select 1; select 2; end", "select 3"]),
        ("if true then select 1; end if; select 2", ["if true then select 1; end if", "select 2"]),
        ("select if(true, 1, 2); select 3", ["select if(true, 1, 2)", "select 3"]),
        ("select case when true then 1 end; select 2", ["select case when true then 1 end", "select 2"]),
        ("drop table if exists d.t; select 1", ["drop table if exists d.t", "select 1"]),
    ],
)
def test_a_script_is_split_where_its_statements_end(script: str, pieces: list[str]) -> None:
    assert statements(script) == pieces


def test_a_contract_gives_columns_their_types_and_the_table_its_options() -> None:
    found = rewrite(
        "create or replace table `p`.`d`.`t` (id int64 not null primary key not enforced, "
        "c string options(description='the c')) partition by date(x) cluster by a, b "
        "options(description='the t', labels=[('k', 'v')]) as (select 'x' as c, 1 as id)",
        "p",
    )
    assert found.sql.startswith("CREATE OR REPLACE TABLE `p`.`d`.`t` AS SELECT COALESCE(CAST(`id` AS INT64)")
    assert "CAST(`c` AS STRING) AS `c` FROM (SELECT 'x' AS c, 1 AS id) AS declared_" in found.sql
    [action] = found.actions
    assert isinstance(action, Describe)
    assert (action.table, action.columns, action.required, action.anew) == (T, {"c": "the c"}, ("id",), True)
    assert action.fields == {
        "description": "the t",
        "labels": {"k": "v"},
        "timePartitioning": {"type": "DAY", "field": "x"},
        "clustering": {"fields": ["a", "b"]},
        "tableConstraints": {"primaryKey": {"columns": ["id"]}},
    }


@pytest.mark.parametrize(
    "create", ["create materialized view if not exists", "create or replace materialized view"]
)
def test_a_materialized_view_is_a_view_here(create: str) -> None:
    sql = f"/* dbt */ {create} `p`.`d`.`t` options(refresh_interval_minutes=45) as select 1 as a"
    found = rewrite(sql, "p")
    assert "VIEW" in found.sql
    assert "MATERIALIZED" not in found.sql
    [action] = found.actions
    assert isinstance(action, Describe)
    assert action.fields["type"] == "MATERIALIZED_VIEW"
    assert action.fields["materializedView"] == {
        "query": "SELECT 1 AS a",
        "enableRefresh": True,
        "refreshIntervalMs": "2700000",
    }


@pytest.mark.parametrize(
    "sql",
    [
        "alter table `p`.`d`.`t` set options(description='x')",
        "alter materialized view `p`.`d`.`t` set OPTIONS(description='x')",
        "alter view p.d.t set options (description = 'x')",
        "/* dbt */ -- twice\nalter materialized view p.d.t set options(description='x')",
    ],
)
def test_options_are_the_gateways(sql: str) -> None:
    found = rewrite(sql, "p")
    assert (found.sql, found.actions) == (NOTHING, [Describe(T, {"description": "x"})])


def test_grants_are_the_gateways() -> None:
    found = rewrite(
        '/* {"app": "dbt"} */\n'
        'grant `roles/bigquery.dataViewer` on table `p`.`d`.`t` to "user:a@x.com", "user:b@x.com";\n'
        "revoke `roles/bigquery.dataViewer` on schema d from 'user:a@x.com'",
        "p",
    )
    members = ("user:a@x.com", "user:b@x.com")
    assert found.actions == [
        Grant(("p", "d"), "t", "roles/bigquery.dataViewer", members),
        Grant(("p", "d"), "", "roles/bigquery.dataViewer", members[:1], revoke=True),
    ]
    with pytest.raises(GoogleError, match="can't be read"):
        rewrite("grant `roles/x` on table d.t to nobody", "p")


def test_a_schema_may_be_named_like_the_metadata() -> None:
    assert rewrite("create schema an_information_schema_of_mine", "p", location="EU").actions


def test_a_default_beside_a_query_is_refused() -> None:
    with pytest.raises(GoogleError, match="the local BigQuery can't give the column b a default"):
        rewrite("create table d.t (a int64, b int64 default 5) as select 1 as a, 2 as b", "p")


@pytest.mark.parametrize(("options", "place"), [("", "EU"), (" options(location='US')", "US")])
def test_a_schema_lies_where_it_or_its_job_says(options: str, place: str) -> None:
    assert rewrite(f"create schema d{options}", "p", None, "EU").actions == [Located(("p", "d"), place)]


@pytest.mark.parametrize(
    ("sql", "sent"),
    [
        ("select 1, 2 as b, upper('x')", "SELECT 1 AS f0_, 2 AS b, upper('x') AS f1_"),
        ("select a, t.b from t", "SELECT a, t.b FROM t"),
        ("select * from demo-flights.ds.t", "SELECT * FROM `demo-flights`.ds.t"),
        ("set (a) = (select as struct array_agg(x) from t)", "SET (a) = (SELECT array_agg(x) FROM t)"),
        ("this is not sql", "this is not sql"),
        ("select struct(x, t.y) as s from t", "SELECT struct(x AS `x`, t.y AS `y`) AS s FROM t"),
        ("select struct(a.x, b.x) as s from a, b", "SELECT struct(a.x, b.x) AS s FROM a CROSS JOIN b"),
        (
            "select cast(x as numeric(5, 2)) as x from t",
            "SELECT google__fit_numeric(CAST(x AS NUMERIC), 5, 2) AS x FROM t",
        ),
        (
            "create table d.t (a int64 not null, b int64 default 5)",
            "CREATE TABLE d.t (a INT64 NOT NULL, b INT64 DEFAULT 5)",
        ),
        ("create table function d.f(x int64) as select x", "create table function d.f(x int64) as select x"),
    ],
)
def test_statements(sql: str, sent: str) -> None:
    assert rewrite(sql, "p").sql == sent


@pytest.mark.parametrize(
    ("call", "written"),
    [
        ("`p`.`d`.`f`(1)", "`p.d.f`(1)"),
        ("p.d.f(p.d.g(x))", "`p.d.f`(`p.d.g`(x))"),
        ("d.f(1)", "d.f(1)"),
        ("net.host(x)", "NET.host(x)"),
        ("safe.substr(x, 1)", "SAFE.substr(x, 1)"),
    ],
)
def test_a_function_has_one_name_and_its_column_too(call: str, written: str) -> None:
    assert (
        rewrite(f"select {call}, a.b.c from t as a", "p").sql == f"SELECT {written} AS f0_, a.b.c FROM t AS a"
    )


@pytest.mark.parametrize(
    "query",
    [
        "select 1 as x, 2 as X",
        "select as struct 1 as x, 2 as x",
        "create table d.t as (select a.id, b.id from a, b)",
        "(select x, x from t)",
    ],
)
def test_two_columns_of_one_name_are_refused(query: str) -> None:
    with pytest.raises(GoogleError, match=r"Duplicate column names.*: (x|id)$"):
        rewrite(query, "p")


@pytest.mark.parametrize(
    "query",
    [
        "select *, a.x from a",
        "select 1, 1",
        "select (select as struct 1 as x, 2 as x) as y",
        "select x from (select 1 x, 2 y)",
    ],
)
def test_columns_that_may_have_one_name_are_not(query: str) -> None:
    rewrite(query, "p")
