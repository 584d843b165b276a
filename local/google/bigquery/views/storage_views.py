"""What metadata views tell of how rows are stored: partitions, and the whole of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.google.bigquery import partitions
from local.google.bigquery.backend import unless_gone
from local.google.bigquery.views.project_views import time_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.google.context import Gateway
    from local.google.iam.authorize import Caller

_NAMES = dict.fromkeys(("table_catalog", "table_schema", "table_name"), "STRING")
# https://cloud.google.com/bigquery/docs/information-schema-partitions
PARTITIONS = _NAMES | {
    "partition_id": "STRING",
    "total_rows": "INT64",
    "total_logical_bytes": "INT64",
    "last_modified_time": "TIMESTAMP",
    "storage_tier": "STRING",
}
# https://cloud.google.com/bigquery/docs/information-schema-table-storage
STORAGE = (
    {"project_id": "STRING"}
    | _NAMES
    | {"creation_time": "TIMESTAMP"}
    | dict.fromkeys(("total_rows", "total_logical_bytes", "active_logical_bytes"), "INT64")
    | {"storage_last_modified_time": "TIMESTAMP", "deleted": "BOOL", "table_type": "STRING"}
)


def names_of(table: dict[str, Any]) -> tuple[str, str, str]:
    """Give a table's project, dataset and name."""
    name = table["tableReference"]
    return name["projectId"], name["datasetId"], name["tableId"]


def _quoted(table: dict[str, Any]) -> str:
    return ".".join(f"`{part}`" for part in names_of(table))


async def count_rows(gateway: Gateway, caller: Caller, tables: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put true row counts into the tables: the API's own are those of the table's creation or last load."""
    counted = [table for table in tables if table.get("type") == "TABLE"]
    if await _count(gateway, caller, counted):
        return tables
    gone = [table for table in counted if not await _count(gateway, caller, [table])]
    return [table for table in tables if table not in gone]


async def _count(gateway: Gateway, caller: Caller, tables: list[dict[str, Any]]) -> bool:
    """Count the rows of these tables; False, and nothing, where one of them was dropped meanwhile."""
    if not tables:
        return True
    cells = ", ".join(f"(SELECT COUNT(*) FROM {_quoted(table)})" for table in tables)  # noqa: S608  quoted
    answer = await unless_gone(gateway.backend.ask(names_of(tables[0])[0], f"SELECT {cells}", caller))
    if answer is None:
        return False
    for table, cell in zip(tables, answer["rows"][0]["f"], strict=True):
        table["numRows"] = cell["v"]
    return True


async def count_partitions(
    gateway: Gateway, caller: Caller, tables: list[dict[str, Any]], sql: str
) -> list[dict[str, Any]]:
    """Put each table's partitions and their rows into it; of those that the query names, where it does."""
    tables = [table for table in tables if table.get("type") == "TABLE"]
    tables = [table for table in tables if f"'{names_of(table)[2]}'" in sql] or tables
    for table in tables:
        key = partitions.id_of(table) or "CAST(NULL AS STRING)"
        asked = f"SELECT {key} AS id, COUNT(*) AS n FROM {_quoted(table)} GROUP BY 1 ORDER BY 1"  # noqa: S608
        answer = await unless_gone(gateway.backend.ask(names_of(table)[0], asked, caller))
        rows = [[cell["v"] for cell in row["f"]] for row in (answer or {}).get("rows", [])]
        table["partitions"] = [(found, int(count)) for found, count in rows]
    return tables


def partitions_of(_: Gateway, tables: list[dict[str, Any]]) -> Iterator[tuple[object, ...]]:
    """Give the rows of PARTITIONS."""
    for table in tables:
        changed = time_of(int(table["lastModifiedTime"]) / 1000)
        for found, count in table.get("partitions", []):
            yield (*names_of(table), found, count, 0, changed, "ACTIVE")


def storage_of(_: Gateway, tables: list[dict[str, Any]]) -> Iterator[tuple[object, ...]]:
    """Give the rows of TABLE_STORAGE."""
    for table in tables:
        if table.get("type") == "TABLE":
            times = [time_of(int(table[at]) / 1000) for at in ("creationTime", "lastModifiedTime")]
            rows, size = int(table.get("numRows", 0)), int(table.get("numBytes", 0))
            project = names_of(table)[0]
            yield (project, *names_of(table), times[0], rows, size, size, times[1], False, "BASE TABLE")
