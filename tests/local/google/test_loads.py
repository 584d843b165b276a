"""Load jobs of the real client, with each of their options for CSV."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from google.api_core.exceptions import BadRequest
from google.cloud import bigquery

from tests.local.google.clients import SCHEMA

if TYPE_CHECKING:
    from typing import Any

    from tests.local.google.clients import Setup

pytestmark = pytest.mark.real


def loaded(setup: Setup, text: str, **options: Any) -> bigquery.LoadJob:
    given: dict[str, Any] = {"schema": SCHEMA, "source_format": "CSV", "skip_leading_rows": 1} | options
    config = bigquery.LoadJobConfig(**given)
    job = setup.owner.load_table_from_file(io.BytesIO(text.encode()), setup.table, job_config=config)
    job.result()
    return job


def rows(setup: Setup, columns: str = "id, name") -> list[tuple[Any, ...]]:
    found = setup.owner.query_and_wait(f"select {columns} from `{setup.table}` order by 1")
    return [tuple(row.values()) for row in found]


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        # Whatever the lines look like, the job says how many to pass over.
        ("1,a\n2,b\n", {"skip_leading_rows": 0}, [(1, "a"), (2, "b")]),
        ("x\n\nid,name\n1,a\n", {"skip_leading_rows": 3}, [(1, "a")]),
        ("id;name\n1;a,b\n", {"field_delimiter": ";"}, [(1, "a,b")]),
        ("id\tname\n1\ta\n", {"field_delimiter": "\t"}, [(1, "a")]),
        # What is empty is null, what is quoted is not.
        ('id,name\n1,\n2,""\n3,"say ""no"""\n', {}, [(1, None), (2, ""), (3, 'say "no"')]),
        ("id,name\n1,NA\n2,\n", {"null_marker": "NA"}, [(1, None), (2, "")]),
        ("id,name\n1\n", {"allow_jagged_rows": True}, [(1, None)]),
        ('id,name\n1,"a\nb"\n', {"allow_quoted_newlines": True}, [(1, "a\nb")]),
        ("id,name\n1,'a'\n", {"quote_character": "'"}, [(1, "a")]),
        ('id,name\n1,"a"\n', {"quote_character": ""}, [(1, '"a"')]),
    ],
)
def test_csv_is_read_as_the_job_says(
    setup: Setup, text: str, options: dict[str, Any], expected: list[tuple[Any, ...]]
) -> None:
    assert loaded(setup, text, **options).output_rows == len(expected)
    assert rows(setup) == expected


def test_spaces_alone_are_null_but_in_a_text(setup: Setup) -> None:
    kinds = {"s": "STRING", "i": "INTEGER", "t": "BOOL", "f": "FLOAT", "dt": "DATETIME"}
    schema = [bigquery.SchemaField(name, kind) for name, kind in kinds.items()]
    loaded(setup, "h\n , , ,  , \n", schema=schema)
    assert rows(setup, "s, i, t, f, dt") == [(" ", None, None, None, None)]
    with pytest.raises(BadRequest, match="Could not parse ' ' as BOOL"):
        loaded(setup, "h\nx,-, ,-,-\n", schema=schema, null_marker="-")


def test_a_cell_of_each_type_is_read(setup: Setup) -> None:
    kinds = {"b": "BYTES", "t": "BOOL", "n": "NUMERIC", "d": "DATE", "ts": "TIMESTAMP", "j": "JSON"}
    schema = [bigquery.SchemaField(name, kind) for name, kind in kinds.items()]
    loaded(setup, 'h\naGk=,yes,1.5,2020-01-02,2020-01-02 03:04:05+01,"{""a"": 1}"\n,,,,,\n', schema=schema)
    told = "to_hex(b), t, cast(n as string), cast(d as string), unix_seconds(ts), json_value(j, '$.a')"
    assert rows(setup, told) == [
        (None, None, None, None, None, None),
        ("6869", True, "1.5", "2020-01-02", 1577930645, "1"),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id,name\n1,a\n2\n", r"Too few columns: expected 2, found 1; line_number: 3"),
        ("id,name\n1,a,b\n", r"Too many columns: expected 2, found 3; line_number: 2"),
        ("id,name\n2.5,a\n", r"Could not parse '2.5' as INT64 for field id \(position 0\)"),
        ("id,name\nx,a\n", r"Could not parse 'x' as INT64 for field id \(position 0\)"),
        ('id,name\n1,"a\n', r"Missing close quote character"),
        ('id,name\n1,"a\nb"\n', r"Could not parse 'a\nb' as STRING for field name .*allowQuotedNewlines"),
    ],
)
def test_a_file_that_is_not_what_the_job_says_changes_nothing(setup: Setup, text: str, said: str) -> None:
    loaded(setup, "id,name\n7,kept\n")
    with pytest.raises(BadRequest, match=f"Error while reading data, error message: {said}") as told:
        loaded(setup, text, write_disposition="WRITE_TRUNCATE")
    assert "uploads" not in str(told.value)
    assert rows(setup) == [(7, "kept")]


def test_a_load_that_replaces_a_table_brings_its_columns(setup: Setup) -> None:
    loaded(setup, "id,name\n1,a\n")
    loaded(setup, "id,name\n2,b\n", write_disposition="WRITE_TRUNCATE")
    assert rows(setup) == [(2, "b")]
    schema = [bigquery.SchemaField("town", "STRING"), bigquery.SchemaField("id", "FLOAT")]
    loaded(setup, "town,id\nOslo,1.5\n", schema=schema, write_disposition="WRITE_TRUNCATE")
    assert rows(setup, "*") == [("Oslo", 1.5)]
    found = [(field.name, field.field_type) for field in setup.owner.get_table(setup.table).schema]
    assert found == [("town", "STRING"), ("id", "FLOAT")]


def test_what_is_loaded_has_its_partition(setup: Setup) -> None:
    table = bigquery.Table(setup.table, SCHEMA)
    table.time_partitioning = bigquery.TimePartitioning()
    setup.owner.create_table(table)
    for text in ("id,name\n1,a\n", "id,name\n2,b\n"):
        loaded(setup, text, write_disposition="WRITE_TRUNCATE")
    assert rows(setup, "id, _PARTITIONDATE = current_date()") == [(2, True)]


def test_json_is_read_as_the_job_says(setup: Setup) -> None:
    kinds = {"id": "INTEGER", "name": "STRING", "b": "BYTES", "t": "TIMESTAMP", "j": "JSON"}
    schema = [bigquery.SchemaField(name, kind) for name, kind in kinds.items()]
    schema.append(bigquery.SchemaField("tags", "STRING", mode="REPEATED"))
    schema.append(bigquery.SchemaField("at", "RECORD", fields=[bigquery.SchemaField("x", "FLOAT")]))
    options = {"schema": schema, "source_format": "NEWLINE_DELIMITED_JSON", "skip_leading_rows": None}
    whole = '{"name": "a\\nb", "id": "1", "b": "aGk=", "t": "2020-01-02T00:00:00Z", "tags": ["u"]'
    whole += ', "at": {"x": 1.5}}'
    loaded(setup, f'{whole}\n{{"id": 2, "j": {{"k": [1]}}}}\n{{"id": null, "name": ""}}\n', **options)
    told = "id, name, to_hex(b), unix_seconds(t), json_value(j, '$.k[0]'), array_to_string(tags, ','), at.x"
    assert rows(setup, told) == [
        (None, "", None, None, None, "", None),
        (1, "a\nb", "6869", 1577923200, None, "u", 1.5),
        (2, None, None, None, "1", "", None),
    ]
    for text, said in (
        ('{"id": 2.5}', r"Could not parse '2\.5' as INT64 for field id"),
        ('{"id": 1, "other": 1}', "No such field: other"),
        ('{"id": 1', "is no JSON object"),
    ):
        with pytest.raises(BadRequest, match=f"Error while reading data, error message: .*{said}"):
            loaded(setup, text, **options, write_disposition="WRITE_TRUNCATE")
    assert len(rows(setup)) == 3
    loaded(setup, '{"id": 4, "other": 1}', **options, ignore_unknown_values=True)
    assert len(rows(setup)) == 4
