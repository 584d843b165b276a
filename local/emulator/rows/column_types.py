"""Patch: a column has the same type in tables.get as in the answer to a query, within STRUCT and ARRAY too.

bqemulator 1.4.0 goes by Arrow's types, which know no JSON, GEOGRAPHY or INTERVAL, and takes BIGNUMERIC for
NUMERIC.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
from bqemulator.api.routes import tables
from bqemulator.catalog import ddl_sync
from bqemulator.catalog.models import TableSchema
from bqemulator.jobs import executor
from bqemulator.storage import arrow_bridge, type_map
from bqemulator.storage.sql_identifiers import quoted_table_ref
from bqemulator.types.range_type import detect_range_element

if TYPE_CHECKING:
    from decimal import Decimal

    from bqemulator.api.dependencies import AppContext

    Kind = Any  # a DuckDBPyType

_NOTED = b"bqemu.duckdb_type"
_NAMES = {
    "blob": "BYTES",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "double": "FLOAT",
    "float": "FLOAT",
    "interval": "INTERVAL",
    "null": "INTEGER",
    "time": "TIME",
    "timestamp": "DATETIME",
    "timestamp with time zone": "TIMESTAMP",
}
# How the API calls what SQL calls otherwise, whichever it was given.
_LEGACY = {"BOOL": "BOOLEAN", "FLOAT64": "FLOAT", "INT64": "INTEGER", "STRUCT": "RECORD"}
_NUMERIC_DIGITS = 9  # behind the point; what has more is a BIGNUMERIC


def patch() -> None:
    """Go by DuckDB's types."""
    by_arrow, written = executor._arrow_field_to_schema_entry, arrow_bridge.wkb_to_wkt
    given = tables._field_to_rest

    def entry(field: Any) -> dict[str, Any]:
        noted = (field.metadata or {}).get(_NOTED)
        return by_arrow(field) if noted is None else described(field.name, _parsed(noted.decode()))

    def introspected(project: str, dataset: str, table: str, ctx: AppContext) -> TableSchema:
        name = quoted_table_ref(project, dataset, table)
        columns = ctx.engine.execute(f"SELECT * FROM {name} LIMIT 0").description  # noqa: S608  quoted
        required = ddl_sync._column_notnull_map(name, ctx)
        fields = [described(column[0], column[1]) for column in columns]
        for field in fields:
            if required.get(field["name"]):
                field["mode"] = "REQUIRED"
        return TableSchema(fields=tables._parse_schema_fields(fields))

    def shown(field: Any) -> dict[str, Any]:
        found = dict(given(field))
        return found | {"type": _LEGACY.get(found["type"].upper(), found["type"].upper())}

    tables._field_to_rest = shown
    executor._arrow_field_to_schema_entry = entry
    # DuckDB has 38 digits at most; docs/local.md says so.
    type_map._BQ_TO_DUCKDB["BIGNUMERIC"] = "DECIMAL(38, 18)"
    ddl_sync._introspect_schema = introspected
    arrow_bridge.format_bq_interval = interval
    formatters = arrow_bridge._BQ_TYPE_FORMATTERS
    arrow_bridge._BQ_TYPE_FORMATTERS = ((pa.types.is_decimal, _number), *formatters)
    arrow_bridge.wkb_to_wkt = lambda wkb: re.sub(r"(?<=[A-Z]) \(", "(", written(wkb))


def _number(value: Decimal, *_: object) -> str:
    """Write a NUMERIC, without an exponent and what is not needed."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def interval(months: int, days: int, nanos: int) -> str:
    """Write an INTERVAL, each of its three parts with its own sign.

    Source: https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types#interval_type
    """
    years, rest = divmod(abs(months), 12)
    seconds, fraction = divmod(abs(nanos) // 1000, 1_000_000)
    time = f"{seconds // 3600}:{seconds // 60 % 60}:{seconds % 60}"
    if fraction:
        time += f".{fraction:06d}".removesuffix("000")
    return f"{'-' * (months < 0)}{years}-{rest} {days} {'-' * (nanos < 0)}{time}"


@functools.lru_cache(maxsize=1000)
def _parsed(kind: str) -> Kind:
    return duckdb.sqltype(kind)


def described(name: str, kind: Kind) -> dict[str, Any]:
    """Give a column as the API does."""
    field: dict[str, Any] = {"name": name, "mode": "NULLABLE"}
    if kind.id == "list":
        field["mode"], kind = "REPEATED", kind.children[0][1]
    span = detect_range_element(str(kind))
    if span is not None:
        return field | {"type": "RANGE", "rangeElementType": {"type": span[0]}}
    if kind.id == "struct":
        return field | {"type": "RECORD", "fields": [described(*child) for child in kind.children]}
    return field | {"type": _name(kind)}


def _name(kind: Kind) -> str:
    if kind.id == "decimal":
        return "BIGNUMERIC" if dict(kind.children)["scale"] > _NUMERIC_DIGITS else "NUMERIC"
    if str(kind) in ("JSON", "GEOMETRY") or kind.id == "geometry":
        return "JSON" if str(kind) == "JSON" else "GEOGRAPHY"
    if kind.id.endswith(("int", "integer")):
        return "INTEGER"
    return _NAMES.get(kind.id, "STRING")
