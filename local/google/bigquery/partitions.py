"""Copies of one partition, `table$20200102`: the emulator knows whole tables only, so rows are moved by SQL.

Source: https://cloud.google.com/bigquery/docs/managing-partitioned-table-data#copying_partitioned_tables
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.google import errors
from local.google.bigquery import queries, tables_known
from local.google.iam.authorize import TableRef

if TYPE_CHECKING:
    from local.google.context import Gateway
    from local.google.iam.authorize import Caller

_UNITS = {"YEAR": "%Y", "MONTH": "%Y%m", "DAY": "%Y%m%d", "HOUR": "%Y%m%d%H"}
_TIME = "_PARTITIONTIME"
_ID = re.compile(r"\d{4,10}")


def is_partial(configuration: dict[str, Any]) -> bool:
    """Tell whether a job copies to a partition."""
    copy = configuration.get("copy") or {}
    return "$" in str((copy.get("destinationTable") or {}).get("tableId", ""))


def whole(table: TableRef) -> TableRef:
    """Give the table that a partition belongs to."""
    return TableRef(table.project, table.dataset, table.table.partition("$")[0])


async def as_query(gateway: Gateway, caller: Caller, project: str, copy: dict[str, Any]) -> dict[str, Any]:
    """Give the query that does what the copy says. Raises a 400 for a table that is not partitioned so."""
    target = queries.table_of(copy["destinationTable"], project)
    given = [*copy.get("sourceTables", []), *filter(None, [copy.get("sourceTable")])]
    sources = [queries.table_of(source, project) for source in given]
    into = await _partition(gateway, caller, target)
    names = ", ".join(f"`{name}`" for name in into.columns)
    moved = f"{names}, {_TIME}" if into.by_ingestion else names
    statements = ["BEGIN TRANSACTION"]
    if copy.get("writeDisposition") == "WRITE_TRUNCATE":
        statements.append(f"DELETE FROM {_quoted(target)} WHERE {into.condition}")  # noqa: S608  names of the API
    for source in sources:
        condition = "TRUE"
        if "$" in source.table:
            condition = (await _partition(gateway, caller, source)).condition
        rows = f"{names}, {into.time}" if into.by_ingestion else names
        statements.append(
            f"INSERT INTO {_quoted(target)} ({moved}) SELECT {rows} FROM {_quoted(source)} WHERE {condition}"  # noqa: S608
        )
    return {"query": ";\n".join([*statements, "COMMIT TRANSACTION"]), "useLegacySql": False}


@dataclass(frozen=True)
class _Partition:
    """The columns of its table, what is true of its rows, and when it begins, in SQL."""

    columns: list[str]
    by_ingestion: bool
    condition: str
    time: str


async def _partition(gateway: Gateway, caller: Caller, table: TableRef) -> _Partition:
    answer = await gateway.backend.get(tables_known.path_of(whole(table)), caller)
    partitions = answer.get("timePartitioning") or {}
    partition = table.table.partition("$")[2]
    if not partitions or not _ID.fullmatch(partition):
        raise errors.invalid(
            f"the local BigQuery can't copy {table}: it knows partitions by days, hours, months and "
            "years only; Google can"
        )
    fields = answer.get("schema", {}).get("fields", [])
    column = partitions.get("field") or _TIME
    return _Partition(
        [field["name"] for field in fields],
        column == _TIME,
        f"{_written(column, fields, partitions)} = '{partition}'",
        f"PARSE_TIMESTAMP('{_pattern(partitions)}', '{partition}')",
    )


def id_of(table: dict[str, Any]) -> str | None:
    """Give what computes a row's partition in SQL, from its table; None where there are no partitions.

    Source: https://cloud.google.com/bigquery/docs/information-schema-partitions
    """
    span, times = table.get("rangePartitioning"), table.get("timePartitioning")
    if span:
        start, end, step = (int(span["range"][name]) for name in ("start", "end", "interval"))
        column = f"`{span['field']}`"
        return (
            f"CASE WHEN {column} IS NULL THEN '__NULL__' WHEN {column} < {start} OR {column} >= {end} "
            f"THEN '__UNPARTITIONED__' "
            f"ELSE CAST({column} - MOD({column} - {start}, {step}) AS STRING) END"
        )
    if not times:
        return None
    column = times.get("field") or _TIME
    fields = table.get("schema", {}).get("fields", [])
    return f"COALESCE({_written(column, fields, times)}, '__NULL__')"


def _written(column: str, fields: list[dict[str, Any]], partitions: dict[str, Any]) -> str:
    kind = next((field["type"] for field in fields if field["name"] == column), "TIMESTAMP")
    return f"FORMAT_{kind}('{_pattern(partitions)}', `{column}`)"


def _pattern(partitions: dict[str, Any]) -> str:
    return _UNITS.get(str(partitions.get("type", "DAY")), "%Y%m%d")


def _quoted(table: TableRef) -> str:
    name = whole(table)
    return f"`{name.project}`.`{name.dataset}`.`{name.table}`"
