"""Which tables a query reads and changes."""

from __future__ import annotations

import pytest

from local.google.errors import GoogleError
from local.google.iam.authorize import TableRef
from local.google.sql.access import extract

PROJECT = "demo-flights"
DBT = '/* {"app": "dbt", "node_id": "model.x.y", "note": "drop table other.t; call me"} */\n'

READS = {
    "select * from d.t": "d.t",
    "select * from `demo-flights.d.t`": "d.t",
    "select * from `demo-flights`.`d`.`t`": "d.t",
    "select * from `demo-flights`.d.t as x, x.arr": "d.t",
    "select * from demo-flights.d.t, unnest(arr) a": "d.t",
    "select 'd.no', \"d.no\", '''d.no''' -- from d.no\n from d.t # d.no\n /* d.no */": "d.t",
    "with a as (select * from d.t), b as (select * from a) select * from b join d.u using (x)": "d.t d.u",
    "with t as (select * from d.t) select * from (with u as (select 1) select * from t, u)": "d.t",
    "select (select max(a) from d.t), exists(select 1 from d.u) from unnest([1])": "d.t d.u",
    "select * from d.t where a in (select a from d.u union all select a from e.v)": "d.t d.u e.v",
    "select * from `demo-flights.d.events_*`": "d.events_*",
    "select * from d.t for system_time as of timestamp '2020-01-01'": "d.t",
    "select * from t": "def.t",
    "with t as (select * from t) select * from t": "def.t",
    "with recursive r as (select 1 union all select * from r) select * from r": "",
    "select * from ml.predict(model d.m, (select * from d.t))": "d.m d.t",
    "from d.t |> join d.u using (a)": "d.t d.u",
    "declare x int64 default (select max(a) from d.t); set x = (select 1 from d.u); select x": "d.t d.u",
    "assert (select count(*) from d.t) = 0": "d.t",
    "export data options(uri='gs://b/*') as select * from d.t": "d.t",
    "select * from d.INFORMATION_SCHEMA.COLUMNS": "",
    "select * from `demo-flights`.`d`.__TABLES__": "",
    DBT + "select count(*) as failures from (select id from d.t where id is null) dbt_internal_test": "d.t",
}

WRITES = {
    "insert into d.t (a) select a from e.u": ("d.t", "e.u"),
    "insert d.t values (1)": ("d.t", ""),
    "update d.t set a = 1 from e.u where true": ("d.t", "d.t e.u"),
    "delete d.t where a in (select a from e.u)": ("d.t", "d.t e.u"),
    "truncate table d.t": ("d.t", ""),
    "drop table if exists `demo-flights.d.t`": ("d.t", ""),
    "drop view d.t": ("d.t", ""),
    "alter table d.t set options(description='x')": ("d.t", ""),
    "alter table d.t rename to u": ("d.t", ""),
    "alter table d.t add column x int64, add column y string": ("d.t", ""),
    "create table d.t (a int64)": ("d.t", ""),
    "create table if not exists d.t as select * from e.u": ("d.t", "e.u"),
    "create table d.t clone e.u": ("d.t", "e.u"),
    "create table d.t copy e.u": ("d.t", "e.u"),
    "create table d.t like e.u": ("d.t", "e.u"),
    "create materialized view d.t as select * from e.u": ("d.t", "e.u"),
    "create table t as select * from u": ("def.t", "def.u"),
    "load data into d.t from files(format='CSV', uris=['gs://b/f'])": ("d.t", ""),
    "create temp table q as select * from e.u; insert into d.t select * from q": ("d.t", "e.u"),
    "begin transaction; insert d.t values (1); commit transaction;": ("d.t", ""),
    DBT
    + "create or replace view `demo-flights`.`d`.`v` OPTIONS() as select * from `demo-flights`.`e`.`u`;": (
        "d.v",
        "e.u",
    ),
    DBT
    + '''create or replace table `demo-flights`.`d`.`t`
    partition by date(x) cluster by a OPTIONS(description="""it's from e.no""") as (
      with a as (select * from `demo-flights`.`e`.`u`) select * from a -- from e.no
    );''': ("d.t", "e.u"),
    DBT
    + """merge into `demo-flights`.`d`.`t` as DBT_INTERNAL_DEST
      using (select * from `demo-flights`.`d`.`t__dbt_tmp`) as DBT_INTERNAL_SOURCE
      on (DBT_INTERNAL_SOURCE.id = DBT_INTERNAL_DEST.id)
      when matched then update set `id` = DBT_INTERNAL_SOURCE.`id`
      when not matched then insert (`id`) values (`id`)""": ("d.t", "d.t d.t__dbt_tmp"),
    DBT
    + """declare dbt_partitions_for_replacement array<date>;
      create or replace table `demo-flights`.`d`.`tmp` as (select * from e.u);
      set (dbt_partitions_for_replacement) = (
        select as struct array_agg(distinct date(day) IGNORE NULLS) from `demo-flights`.`d`.`tmp`);
      merge into `demo-flights`.`d`.`t` as D using (select * from `demo-flights`.`d`.`tmp`) as S on FALSE
      when not matched by source and date(D.day) in unnest(dbt_partitions_for_replacement) then delete
      when not matched then insert (`id`) values (`id`);
      drop table if exists `demo-flights`.`d`.`tmp`""": ("d.t d.tmp", "d.t d.tmp e.u"),
}

UNREADABLE = [
    "alter table d.t add column x int64, drop column y",
    "create snapshot table d.s clone d.t",
    "create search index i on d.t(all columns)",
    "undrop schema d",
    "drop external table d.t",
    "update (select 1 from d.t) set a = 1",
]

UNBOUNDED = [
    "execute immediate 'drop ' || 'table d.t'",
    "EXECUTE  IMMEDIATE x",
    "call d.p()",
    "select 1; call d.p()",
    "begin call d.p(); end",
    "alter schema d set options(description='x')",
    "drop database d",
    "attach 'x.db' as y",
    "pragma database_list",
    "copy d.t from 'x'",
    "select 1; show tables",
    "select * into d.t from e.u",
    "with x as (insert d.t values (1)) select 1",
    "select * from query('select 1')",
    "select * from read_csv('/etc/passwd')",
    "this is not sql at all",
    "create row access policy x on d.t grant to ('user:a@example.com') filter using (true)",
]


def tables(names: str) -> set[TableRef]:
    return {TableRef(PROJECT, *name.split(".")) for name in names.split()}


@pytest.mark.parametrize(("sql", "reads"), READS.items())
def test_reads(sql: str, reads: str) -> None:
    access = extract(sql, PROJECT, (PROJECT, "def"))
    assert access.reads() == tables(reads)
    assert not access.writes()
    assert not access.named
    assert not access.unbounded


@pytest.mark.parametrize(("sql", "names"), WRITES.items())
def test_writes(sql: str, names: tuple[str, str]) -> None:
    access = extract(sql, PROJECT, (PROJECT, "def"))
    assert access.writes() == tables(names[0])
    assert access.reads() == tables(names[1])
    assert not access.named
    assert not access.unbounded


@pytest.mark.parametrize("sql", UNREADABLE)
def test_what_cannot_be_read_may_change_every_dataset_it_names(sql: str) -> None:
    assert (PROJECT, "d") in extract(sql, PROJECT).named


@pytest.mark.parametrize("sql", UNBOUNDED)
def test_what_reaches_beyond_its_text_may_change_anything(sql: str) -> None:
    assert extract(sql, PROJECT).unbounded


def test_unreadable_sql_may_change_the_default_dataset() -> None:
    access = extract("begin delete from t where where; end", PROJECT, (PROJECT, "def"))
    assert (PROJECT, "def") in access.named


def test_other_projects_are_told_apart() -> None:
    assert extract("select * from `other-project`.d.t", PROJECT).reads() == {
        TableRef("other-project", "d", "t")
    }


@pytest.mark.parametrize(
    "sql",
    [
        "select * from d.INFORMATION_SCHEMA.COLUMNS",
        "select * from `demo-flights`.`d`.INFORMATION_SCHEMA.TABLES t",
        "select * from `demo-flights.d.INFORMATION_SCHEMA.TABLES`",
        "select * from `demo-flights.d.__TABLES__`",
        "select * from d.__TABLES__",
    ],
)
def test_metadata_needs_the_list_of_tables(sql: str) -> None:
    assert (PROJECT, "d", "bigquery.tables.list") in extract(sql, PROJECT).datasets


def test_who_was_granted_what_in_one_dataset_needs_to_see_that_one() -> None:
    view = "`demo-flights`.`region-eu`.INFORMATION_SCHEMA.OBJECT_PRIVILEGES"
    one = extract(f'select 1 from {view} where object_schema = "d" and object_name = "t"', PROJECT)
    assert (one.projects, one.datasets) == (set(), {(PROJECT, "d", "bigquery.datasets.get")})
    assert extract(f"select 1 from {view}", PROJECT).projects == {(PROJECT, "bigquery.datasets.get")}


def test_metadata_of_a_region_needs_the_project() -> None:
    sql = "select * from `region-eu`.INFORMATION_SCHEMA.SCHEMATA"
    assert extract(sql, PROJECT).projects == {(PROJECT, "bigquery.datasets.get")}


def test_schemas() -> None:
    access = extract("create schema if not exists `demo-flights`.`d`; drop schema e cascade", PROJECT)
    assert access.projects == {(PROJECT, "bigquery.datasets.create")}
    assert access.datasets == {(PROJECT, "e", "bigquery.datasets.delete")}
    assert access.created_schemas == [(PROJECT, "d")]
    assert access.dropped_schemas == [(PROJECT, "e")]


def test_routines_are_created_and_used() -> None:
    made = extract("create function d.f(x int64) as (x + (select max(a) from e.t))", PROJECT)
    assert made.datasets == {(PROJECT, "d", "bigquery.routines.create")}
    assert made.reads() == tables("e.t")
    assert (PROJECT, "d", "bigquery.routines.get") in extract("select d.f(1)", PROJECT).datasets


def test_view_names_what_it_reads() -> None:
    sql = "create or replace view d.v as with a as (select * from e.t) select *, r'\\d' as x from a"
    (view,) = extract(sql, PROJECT).views
    assert view.name == TableRef(PROJECT, "d", "v")
    assert set(view.reads) == tables("e.t")
    assert "\\d" in view.query


FLOW = {
    "begin select 1; delete from d.t where true; end": ("d.t", "d.t"),
    "if (select count(*) from d.t) > 0 then drop table d.u; end if": ("d.u", "d.t"),
    "if exists(select 1 from e.q) then insert into d.t select 1 from e.u; else select 2; end if": (
        "d.t",
        "e.q e.u",
    ),
    "for r in (select * from d.t) do insert into d.u select r.a; end for": ("d.u", "d.t"),
    "while (select count(*) from d.t) < 3 do insert into d.u values (1); end while": ("d.u", "d.t"),
    "loop select 1 from d.t; break; end loop": ("", "d.t"),
    "begin select 1 from d.t; exception when error then select 2 from d.u; end": ("", "d.t d.u"),
    "assert (select count(*) from d.t) = 1 as 'one row'": ("", "d.t"),
    "alter table d.t drop column if exists a": ("d.t", ""),
}


@pytest.mark.parametrize(("sql", "names"), FLOW.items())
def test_a_script_needs_what_its_statements_touch(sql: str, names: tuple[str, str]) -> None:
    access = extract(sql, PROJECT)
    assert (access.writes(), access.reads()) == (tables(names[0]), tables(names[1]))
    assert not access.named
    assert not access.unbounded


@pytest.mark.parametrize(
    "sql",
    [
        "select select from `demo-flights.d.t` where where",
        "select * from d.t match_recognize(partition by a order by b pattern (q) define q as true)",
    ],
)
def test_a_query_that_cannot_be_read_reads_what_it_names(sql: str) -> None:
    access = extract(sql, PROJECT)
    assert (PROJECT, "d") in access.read_datasets
    assert not access.named
    assert not access.unbounded


@pytest.mark.parametrize("sql", ["on schema d", "on table d.t", "on view `demo-flights.d.t`"])
def test_a_grant_needs_the_datasets_own_permission(sql: str) -> None:
    access = extract(f"grant `roles/bigquery.dataViewer` {sql} to 'user:a@example.com'", PROJECT)
    assert access.datasets == {(PROJECT, "d", "bigquery.datasets.update")}
    assert not access.unbounded


TOO_DEEP = {
    "structs": ("struct(", "1", ")", 40),
    "types as functions": ("string(upper(", "x", "))", 40),
    "subqueries": ("(select ", "1", ")", 400),
    "cases": ("case when true then ", "1", " end", 400),
    "arrays": ("[", "1", "]", 900),
}


@pytest.mark.parametrize(("before", "within", "after", "levels"), TOO_DEEP.values(), ids=TOO_DEEP)
def test_what_is_nested_too_deeply_is_refused_before_it_is_read(
    before: str, within: str, after: str, levels: int
) -> None:
    with pytest.raises(GoogleError, match="too many subqueries or query is too complex") as raised:
        extract(f"select {levels * before}{within}{levels * after}", "p")
    assert (raised.value.code, raised.value.reason) == (400, "resourcesExceeded")


@pytest.mark.parametrize(
    "sql",
    [
        "select " + 99 * "(" + "1" + 99 * ")",
        "select " + 12 * "struct(" + "1" + 12 * ")",
        "select " + ", ".join(["string(date(timestamp '2020-01-01'))", "(select '((((')"] * 200),
        "begin " + "if true then select case when true then 1 end; end if; " * 200 + "end",
    ],
)
def test_what_is_long_or_a_little_deep_is_read(sql: str) -> None:
    assert not extract(sql, "p").changes()
