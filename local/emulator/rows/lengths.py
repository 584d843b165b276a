"""Patch: a column of STRING(3) or BYTES(3) takes no longer value, whatever writes it.

bqemulator 1.4.0 forgets the length, and DuckDB's types have none: each such column has a CHECK that says what
is wrong. It calls DuckDB's own functions only, since it is read before the others are there.
Source: https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types#parameterized_data_types
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import sqlglot
from bqemulator.api.routes import tables
from bqemulator.catalog import ddl_sync
from bqemulator.domain.errors import UnsupportedFeatureError
from bqemulator.domain.result import Ok
from bqemulator.sql.translator import SQLTranslator
from bqemulator.storage import type_map
from bqemulator.storage.sql_identifiers import quoted_table_ref
from sqlglot import exp
from sqlglot.errors import SqlglotError

from local.emulator.files import quoted

if TYPE_CHECKING:
    from bqemulator.api.dependencies import AppContext
    from bqemulator.catalog.models import TableFieldSchema, TableSchema

    Fields = list[dict[str, Any]]

_MEASURES = {"STRING": "length", "BYTES": "octet_length"}
_TYPES = {exp.DType.TEXT: "STRING", exp.DType.BINARY: "BYTES"}
_WRITTEN = re.compile(r"\b(?:string|bytes)\s*\(\s*\d", re.IGNORECASE)
_KEPT = re.compile(r"Field (?P<name>.+?): (?:STRING|BYTES)\((?P<length>\d+)\) has")


def check(name: str, kind: str, length: int) -> str:
    """Write the constraint of a column."""
    measured = f"{_MEASURES[kind]}({quoted(name)})"
    said = f"Field {name}: {kind}({length}) has maximum length {length} but got a value with length "
    words = said.replace("'", "''")
    return f"CASE WHEN {measured} > {length} THEN error('{words}' || {measured}) ELSE true END"


def patch() -> None:
    """Make tables with their lengths, and show them."""
    translate, columns = SQLTranslator.translate, type_map.bq_schema_to_duckdb_columns
    introspect, parse, shown = (
        ddl_sync._introspect_schema,
        tables._parse_schema_fields,
        tables._field_to_rest,
    )

    def with_checks(self: SQLTranslator, bq_sql: str, **named: Any) -> Any:
        lengths = declared(bq_sql) if _WRITTEN.search(bq_sql) else {}
        found = translate(self, bq_sql, **named)
        return Ok(checked(found.value, lengths)) if lengths and isinstance(found, Ok) else found

    def limited(fields: Fields) -> list[tuple[str, str]]:
        # Of the fields of a STRUCT they are not looked at.
        inner = [_without_lengths(field) for field in fields]
        return [
            (name, _limited(name, kind, field))
            for (name, kind), field in zip(columns(inner), fields, strict=True)
        ]

    def introspected(project: str, dataset: str, table: str, ctx: AppContext) -> TableSchema:
        schema = introspect(project, dataset, table, ctx)
        lengths = _lengths(quoted_table_ref(project, dataset, table), ctx)
        fields = (field.model_copy(update={"max_length": lengths.get(field.name)}) for field in schema.fields)
        return schema.model_copy(update={"fields": tuple(fields)})

    def parsed(raw: Fields) -> tuple[TableFieldSchema, ...]:
        given = (field.get("maxLength") for field in raw)
        return tuple(
            field.model_copy(update={"max_length": int(length) if length else None})
            for field, length in zip(parse(raw), given, strict=True)
        )

    def with_length(field: TableFieldSchema) -> dict[str, Any]:
        found = dict(shown(field))
        return found if field.max_length is None else found | {"maxLength": str(field.max_length)}

    SQLTranslator.translate = with_checks
    tables.bq_schema_to_duckdb_columns = type_map.bq_schema_to_duckdb_columns = limited
    ddl_sync._introspect_schema = introspected
    tables._parse_schema_fields, tables._field_to_rest = parsed, with_length


def declared(sql: str) -> dict[str, tuple[str, int]]:
    """Give the types and lengths of the columns that a CREATE TABLE defines, by their names."""
    try:
        statement = sqlglot.parse_one(sql, read="bigquery")
    except (SqlglotError, ValueError):
        return {}
    columns = [
        (column.name, _TYPES[kind.this], int(kind.expressions[0].name))
        for column in statement.find_all(exp.ColumnDef)
        if (kind := column.args.get("kind")) is not None and kind.this in _TYPES and kind.expressions
    ]
    if isinstance(statement, exp.Alter):
        if columns or any(one.args.get("dtype") for one in statement.find_all(exp.AlterColumn)):
            raise UnsupportedFeatureError(
                "the local BigQuery can't give a length to a column that is there, or is added; Google can"
            )
        return {}
    return {name: (kind, length) for name, kind, length in columns}


def checked(sql: str, lengths: dict[str, tuple[str, int]]) -> str:
    """Give DuckDB's CREATE TABLE with the constraints of its columns."""
    statement = sqlglot.parse_one(sql, read="duckdb")
    for column in statement.find_all(exp.ColumnDef):
        if column.name in lengths and isinstance(column.parent, exp.Schema):
            condition = sqlglot.parse_one(check(column.name, *lengths[column.name]), read="duckdb")
            kind = exp.CheckColumnConstraint(this=condition)
            column.append("constraints", exp.ColumnConstraint(kind=kind))
    return statement.sql(dialect="duckdb")


def _without_lengths(field: dict[str, Any]) -> dict[str, Any]:
    inner = [_without_lengths(one) for one in field.get("fields") or ()]
    plain = {key: value for key, value in field.items() if key not in ("fields", "maxLength")}
    return plain | ({"fields": inner} if inner else {})


def _limited(name: str, kind: str, field: dict[str, Any]) -> str:
    typed, length = str(field["type"]).upper(), field.get("maxLength")
    if not length or typed not in _MEASURES or str(field.get("mode", "")).upper() == "REPEATED":
        return kind
    return f"{kind} CHECK ({check(name, typed, int(length))})"


def _lengths(table: str, ctx: AppContext) -> dict[str, int]:
    """Give the lengths that a table's constraints are of."""
    schema, name = (part.strip('"') for part in table.split('"."'))
    found = ctx.engine.execute(
        "SELECT constraint_text FROM duckdb_constraints() "
        "WHERE schema_name = ? AND table_name = ? AND constraint_type = 'CHECK'",
        [schema, name],
    ).fetchall()
    texts = (_KEPT.search(row[0]) for row in found)
    return {text["name"]: int(text["length"]) for text in texts if text is not None}
