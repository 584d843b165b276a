"""Metadata views are replaced by what the API gives, and nothing else in the SQL is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
import sqlglot

from local.google.sql.names import find_names, without_strings
from tests.local.google.world import DATASETS, PROJECT, message

if TYPE_CHECKING:
    from tests.local.google.fake_bigquery import FakeBigQuery
    from tests.local.google.world import World

TABLES = f"{DATASETS}/d/tables"
TABLE: dict[str, Any] = {
    "tableReference": {"projectId": PROJECT, "datasetId": "d", "tableId": "t"},
    "type": "TABLE",
    "creationTime": "1",
    "lastModifiedTime": "2",
    "numRows": "0",
    "numBytes": "16",
    "description": 'it\'s "a" \\d\n',
    "labels": {"x": "y"},
    "schema": {
        "fields": [
            {"name": "id", "type": "INTEGER", "mode": "REQUIRED", "description": "it's"},
            {"name": "s", "type": "RECORD", "mode": "REPEATED", "fields": [{"name": "a", "type": "FLOAT"}]},
        ]
    },
    "timePartitioning": {"type": "DAY", "field": "id"},
    "clustering": {"fields": ["s"]},
}


@pytest.fixture
def sent(world: World, bigquery: FakeBigQuery) -> Any:
    world.dataset("d")
    bigquery.answers[TABLES] = {"tables": [TABLE]}
    bigquery.answers[f"{TABLES}/t"] = TABLE
    bigquery.answers[f"/bigquery/v2/projects/{PROJECT}/queries"] = {"rows": [{"f": [{"v": "7"}]}]}

    def run(sql: str, token: str | None = None) -> str:
        world.query(sql, token).raise_for_status()
        return bigquery.sql()

    return run


@pytest.mark.parametrize(
    "name",
    [
        "`demo-flights`.`d`.__TABLES__",
        "`demo-flights`.`d`.`__TABLES__`",
        "`demo-flights.d.__TABLES__`",
        "demo-flights.d.__TABLES__",
        "d.__TABLES__",
        "`d`.__TABLES__",
    ],
)
def test_tables_are_replaced_in_every_spelling(sent: Any, name: str) -> None:
    sql = sent(f"select '__TABLES__' as x from {name} as tables -- d.__TABLES__")
    assert sql.startswith("SELECT '__TABLES__' AS x FROM (SELECT CAST(JSON_VALUE(row_, '$[0]') AS STRING)")
    assert sql.endswith(") AS row_) AS tables /* d.__TABLES__ */")
    # The API's count is old; the rows were counted.
    assert '[["demo-flights", "d", "t", 1, 2, 7, 16, 1]]' in sql


@pytest.mark.parametrize(
    ("view", "rows"),
    [
        ("COLUMN_FIELD_PATHS", ['"s.a", "FLOAT64"', '"s", "s", "ARRAY<STRUCT<a FLOAT64>>"', '"id", "INT64"']),
        ("COLUMNS", ['"id", 1, "NO", "INT64", "NO", "YES", null', '"s", 2, "YES"', '"NO", "NO", 1]']),
        ("TABLE_OPTIONS", ['"description", "STRING"', 'STRUCT(\\\\"x\\\\", \\\\"y\\\\")']),
        ("TABLES", ['"d", "t", "BASE TABLE", "YES"', "CREATE TABLE `demo-flights.d.t`", "id INT64 NOT NULL"]),
        ("MATERIALIZED_VIEWS", ["'[]'"]),
        ("VIEWS", ["'[]'"]),
    ],
)
def test_views_of_the_information_schema_are_replaced(sent: Any, view: str, rows: list[str]) -> None:
    sql = sent(f"select * from `demo-flights`.`d`.INFORMATION_SCHEMA.{view} x")
    assert "INFORMATION_SCHEMA" not in sql
    for row in rows:
        assert row in sql


@pytest.mark.parametrize("moment", ["listed", "read"])
@pytest.mark.parametrize(
    "view",
    [
        "`d`.__TABLES__",
        "`d`.INFORMATION_SCHEMA.COLUMNS",
        "`d`.INFORMATION_SCHEMA.PARTITIONS",
        "`region-eu`.INFORMATION_SCHEMA.TABLE_STORAGE",
    ],
)
def test_a_table_that_is_dropped_meanwhile_is_left_out(
    sent: Any, bigquery: FakeBigQuery, view: str, moment: str
) -> None:
    """Once it was listed, or once it was read: then its rows can't be counted any more."""
    gone = {"code": 404, "message": "Not found", "errors": [{"reason": "notFound"}]}
    other = TABLE | {"tableReference": TABLE["tableReference"] | {"tableId": "other"}}
    bigquery.answers[TABLES] = {"tables": [other, TABLE]}
    bigquery.answers[f"{TABLES}/other"] = (
        httpx.Response(404, json={"error": gone}) if moment == "listed" else other
    )

    def counted(request: httpx.Request) -> Any:
        if b"`other`" in request.content:
            return {"errors": [{"reason": "notFound", "message": "Not found"}]}
        return {"rows": [{"f": [{"v": "7"}] * (2 if b" AS id" in request.content else 1)}]}

    bigquery.answers[f"/bigquery/v2/projects/{PROJECT}/queries"] = counted
    sql = sent(f"select * from {view}")
    assert '"t"' in sql
    assert ('"other"' in sql) == (moment == "read" and ("COLUMNS" in view or "STORAGE" in view))


def test_other_views_are_left_to_the_emulator(sent: Any) -> None:
    sql = "SELECT * FROM d.INFORMATION_SCHEMA.ROUTINES"
    assert sent(sql) == sql


def test_quotes_and_backslashes_survive(sent: Any) -> None:
    sql = sent("select * from d.INFORMATION_SCHEMA.TABLE_OPTIONS")
    (literal,) = [
        node.this
        for node in sqlglot.parse_one(sql, read="bigquery").find_all(sqlglot.exp.Literal)
        if node.this.startswith("[")
    ]
    assert "it's" in literal
    assert "\\\\\\\\d" in literal  # once for JSON in the option's value, once for JSON around it


def test_metadata_needs_a_role(world: World) -> None:
    world.dataset("d")
    token = world.token("roles/bigquery.jobUser")
    words = message(world.query("select * from d.__TABLES__", token), 403)
    assert "roles/bigquery.metadataViewer" in words


def test_names_are_found_outside_strings_and_comments() -> None:
    sql = "select a.b, 'c.d', \"e\\\"f.g\", '''h.i''' /* j.k */ from `l-m`.n -- o.p\n join q-r.s . t # u.v"
    found = [name.parts for name in find_names(sql) if len(name.parts) > 1]
    assert found == [("a", "b"), ("l-m", "n"), ("q-r", "s", "t")]
    assert "h.i" not in without_strings(sql)


def test_string_that_ends_in_a_backslash_hides_nothing() -> None:
    assert ("d", "t") in [name.parts for name in find_names(r"""select '\\', "\\", '''\\''' from d.t""")]
