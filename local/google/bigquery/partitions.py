"""Copies of one partition, `table$20200102`: the emulator knows whole tables only, so rows are moved by SQL.

Source: https://cloud.google.com/bigquery/docs/managing-partitioned-table-data#copying_partitioned_tables
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from local.google import errors
from local.google.bigquery import queries, tables_known
from local.google.iam.authorize import TableRef

if TYPE_CHECKING:
    from local.google.context import Gateway
    from local.google.iam.authorize import Caller

_UNITS = {"YEAR": "%Y", "MONTH": "%Y%m", "DAY": "%Y%m%d", "HOUR": "%Y%m%d%H"}
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
    here = await _condition(gateway, caller, target)
    statements = ["BEGIN TRANSACTION"]
    if copy.get("writeDisposition") == "WRITE_TRUNCATE":
        statements.append(f"DELETE FROM {_quoted(target)} WHERE {here}")  # noqa: S608  names of the API
    for source in sources:
        only = f" WHERE {await _condition(gateway, caller, source)}" if "$" in source.table else ""
        statements.append(f"INSERT INTO {_quoted(target)} SELECT * FROM {_quoted(source)}{only}")  # noqa: S608
    return {"query": ";\n".join([*statements, "COMMIT TRANSACTION"]), "useLegacySql": False}


async def _condition(gateway: Gateway, caller: Caller, table: TableRef) -> str:
    answer = await gateway.backend.get(tables_known.path_of(whole(table)), caller)
    partitions = answer.get("timePartitioning") or {}
    column, unit = partitions.get("field"), str(partitions.get("type", "DAY"))
    partition = table.table.partition("$")[2]
    if not column or not _ID.fullmatch(partition):
        raise errors.invalid(
            f"the local BigQuery can't copy {table}: it knows partitions by a column of dates or times only; "
            "Google can"
        )
    kinds = {field["name"]: field["type"] for field in answer.get("schema", {}).get("fields", [])}
    function = f"FORMAT_{kinds.get(column, 'TIMESTAMP')}"
    return f"{function}('{_UNITS.get(unit, '%Y%m%d')}', `{column}`) = '{partition}'"


def _quoted(table: TableRef) -> str:
    name = whole(table)
    return f"`{name.project}`.`{name.dataset}`.`{name.table}`"
