"""Views of a dataset's metadata that the emulator lacks, or breaks on quotes and backslashes.

``dbt docs generate`` reads them. Each is replaced in the SQL by a subquery of the values that the API gives.
Source: https://cloud.google.com/bigquery/docs/information-schema-intro
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from local.google.bigquery import tables_known
from local.google.bigquery.backend import unless_gone
from local.google.bigquery.views import project_views, storage_views
from local.google.bigquery.views.storage_views import names_of
from local.google.iam.authorize import TableRef
from local.google.sql.names import find_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local.google.context import Gateway
    from local.google.iam.authorize import Caller

_TYPES = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL", "RECORD": "STRUCT"}
_TABLE_KINDS = {"TABLE": 1, "VIEW": 2, "EXTERNAL": 3, "MATERIALIZED_VIEW": 4}
_TABLE_TYPES = {"TABLE": "BASE TABLE", "MATERIALIZED_VIEW": "MATERIALIZED VIEW"}
_MAX_TABLES = 100_000


async def rewrite(gateway: Gateway, caller: Caller, sql: str, project: str, default: str | None) -> str:
    """Give the SQL with the metadata views replaced. ``default`` is the dataset of names that have none."""
    if "__TABLES__" not in sql and "INFORMATION_SCHEMA" not in sql.upper():
        return sql
    pieces: list[str] = []
    position = 0
    for name in find_names(sql):
        view, qualifiers = _view_of(name.parts)
        if view is None:
            wide = project_views.subquery(gateway, caller, name.parts, project)
            if wide is not None:
                pieces += [sql[position : name.start], subquery(*wide)]
                position = name.end
            continue
        owner = qualifiers[-2] if len(qualifiers) > 1 else project
        datasets = _datasets(gateway, caller, owner, qualifiers[-1] if qualifiers else default)
        if datasets is None:
            continue
        tables = [table for dataset in datasets for table in await _tables(gateway, caller, owner, dataset)]
        if view == "__TABLES__":
            tables = await storage_views.count_rows(gateway, caller, tables)
        if view == "PARTITIONS":
            tables = await storage_views.count_partitions(gateway, caller, tables, sql)
        rows = list(_VIEWS[view][1](gateway, tables))
        pieces += [sql[position : name.start], subquery(_VIEWS[view][0], rows)]
        position = name.end
    return "".join([*pieces, sql[position:]])


def _view_of(parts: tuple[str, ...]) -> tuple[str | None, tuple[str, ...]]:
    upper = [part.upper() for part in parts]
    if upper[-1] == "__TABLES__":
        return "__TABLES__", parts[:-1]
    if len(parts) > 1 and upper[-2] == "INFORMATION_SCHEMA" and upper[-1] in _VIEWS:
        return upper[-1], parts[:-2]
    return None, ()


def _datasets(gateway: Gateway, caller: Caller, project: str, name: str | None) -> list[str] | None:
    """Give the datasets that a view is of: one, or all of a region that the caller may see."""
    if name is None or not name.lower().startswith("region-"):
        return [name] if name else None
    found = project_views.datasets_in(gateway, caller, project, name[len("region-") :])
    return [dataset for dataset, _ in found]


async def _tables(gateway: Gateway, caller: Caller, project: str, dataset: str) -> list[dict[str, Any]]:
    path = f"/bigquery/v2/projects/{project}/datasets/{dataset}/tables"
    listed = await gateway.backend.get(path, caller, {"maxResults": str(_MAX_TABLES)})
    names = [item["tableReference"]["tableId"] for item in listed.get("tables", [])]
    asked = (unless_gone(gateway.backend.get(f"{path}/{name}", caller)) for name in names)
    return [tables_known.shown(gateway, table) for table in await asyncio.gather(*asked) if table]


def subquery(columns: dict[str, str], rows: list[tuple[object, ...]]) -> str:
    """Give rows as a table, out of one JSON string: a VALUES of hundreds of rows takes the emulator 20 s."""
    document = json.dumps(rows, ensure_ascii=False)
    literal = document.replace("\\", "\\\\").replace("'", "\\'")
    cells = ", ".join(
        f"CAST(JSON_VALUE(row_, '$[{index}]') AS {kind}) AS {column}"
        for index, (column, kind) in enumerate(columns.items())
    )
    return f"(SELECT {cells} FROM UNNEST(JSON_QUERY_ARRAY('{literal}')) AS row_)"  # noqa: S608  escaped above


def _reference(table: dict[str, Any]) -> TableRef:
    return TableRef(*names_of(table))


def _legacy_tables(_: Gateway, tables: list[dict[str, Any]]) -> Iterator[tuple[object, ...]]:
    for table in tables:
        times = (int(table.get("creationTime", 0)), int(table.get("lastModifiedTime", 0)))
        size = int(table.get("numBytes", 0))
        kind = _TABLE_KINDS.get(table.get("type", "TABLE"), 1)
        yield (*names_of(table), *times, int(table["numRows"]) if kind == 1 else 0, size, kind)


def _information_tables(gateway: Gateway, tables: list[dict[str, Any]]) -> Iterator[tuple[object, ...]]:
    for table in tables:
        kind = _TABLE_TYPES.get(str(table.get("type", "TABLE")), str(table.get("type")))
        copied = table.get("snapshotDefinition") or table.get("cloneDefinition") or {}
        base = copied.get("baseTableReference", {})
        taken = copied.get("snapshotTime") if kind == "SNAPSHOT" else None
        yield (
            *names_of(table),
            kind,
            "YES" if kind in ("BASE TABLE", "CLONE") else "NO",
            "NO",
            "YES" if table.get("enableChangeHistory") else "NO",
            project_views.time_of(int(table.get("creationTime", 0)) / 1000),
            *(base.get(key) for key in ("projectId", "datasetId", "tableId")),
            taken,
            _ddl(gateway, table),
            None,
        )


def _ddl(gateway: Gateway, table: dict[str, Any]) -> str:
    name = ".".join(names_of(table))
    if table.get("type") == "VIEW":
        ref = _reference(table)
        record = gateway.authorizer.project(ref.project).datasets.get(ref.dataset)
        view = record.views.get(ref.table) if record is not None else None
        return f"CREATE VIEW `{name}`\nAS {view.query if view else ''};"
    if table.get("type") == "MATERIALIZED_VIEW":
        return f"CREATE MATERIALIZED VIEW `{name}`\nAS {table.get('materializedView', {}).get('query', '')};"
    fields = table.get("schema", {}).get("fields", [])
    required = {field["name"]: " NOT NULL" for field in fields if field.get("mode") == "REQUIRED"}
    columns = [f"  {field['name']} {sql_type(field)}{required.get(field['name'], '')}" for field in fields]
    return f"CREATE TABLE `{name}`\n(\n" + ",\n".join(columns) + "\n);"


def _table_options(_: Gateway, tables: list[dict[str, Any]]) -> Iterator[tuple[object, ...]]:
    for table in tables:
        for field, option in (("description", "description"), ("friendlyName", "friendly_name")):
            if table.get(field):
                yield (*names_of(table), option, "STRING", json.dumps(table[field], ensure_ascii=False))
        if table.get("labels"):
            pairs = ", ".join(f'STRUCT("{key}", "{value}")' for key, value in sorted(table["labels"].items()))
            yield (*names_of(table), "labels", "ARRAY<STRUCT<STRING, STRING>>", f"[{pairs}]")


def _field_paths(_: Gateway, tables: list[dict[str, Any]]) -> Iterator[tuple[object, ...]]:
    for table in tables:
        for column in table.get("schema", {}).get("fields", []):
            for path, field in _paths(column, column["name"]):
                yield (*names_of(table), column["name"], path, sql_type(field), field.get("description"))


def _columns(_: Gateway, tables: list[dict[str, Any]]) -> Iterator[tuple[object, ...]]:
    for table in tables:
        partitioned_by = table.get("timePartitioning", {}).get("field")
        clustered_by = table.get("clustering", {}).get("fields", [])
        for position, column in enumerate(table.get("schema", {}).get("fields", []), start=1):
            name = column["name"]
            yield (
                *names_of(table),
                name,
                position,
                "NO" if column.get("mode") == "REQUIRED" else "YES",
                sql_type(column),
                "NO",
                "YES" if name == partitioned_by else "NO",
                clustered_by.index(name) + 1 if name in clustered_by else None,
            )


def _materialized_views(_: Gateway, tables: list[dict[str, Any]]) -> Iterator[tuple[object, ...]]:
    for table in tables:
        if table.get("type") == "MATERIALIZED_VIEW":
            yield names_of(table)


def _views(gateway: Gateway, tables: list[dict[str, Any]]) -> Iterator[tuple[object, ...]]:
    for table in tables:
        ref = _reference(table)
        record = gateway.authorizer.project(ref.project).datasets.get(ref.dataset)
        view = record.views.get(ref.table) if record is not None else None
        if table.get("type") == "VIEW":
            yield (*names_of(table), view.query if view else None, None, "YES")


def _paths(field: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, field
    for nested in field.get("fields", []):
        yield from _paths(nested, f"{path}.{nested['name']}")


def sql_type(field: dict[str, Any]) -> str:
    """Write a column's type of the API as SQL does."""
    name = str(field["type"]).upper()
    name = _TYPES.get(name, name)
    if name == "STRUCT":
        name = (
            "STRUCT<"
            + ", ".join(f"{nested['name']} {sql_type(nested)}" for nested in field.get("fields", []))
            + ">"
        )
    return f"ARRAY<{name}>" if field.get("mode") == "REPEATED" else name


_TABLE_NAMES = {"table_catalog": "STRING", "table_schema": "STRING", "table_name": "STRING"}
_VIEWS: dict[
    str,
    tuple[dict[str, str], Callable[[Gateway, list[dict[str, Any]]], Iterator[tuple[object, ...]]]],
] = {
    "__TABLES__": (
        {"project_id": "STRING", "dataset_id": "STRING", "table_id": "STRING"}
        | dict.fromkeys(("creation_time", "last_modified_time", "row_count", "size_bytes", "type"), "INT64"),
        _legacy_tables,
    ),
    # https://cloud.google.com/bigquery/docs/information-schema-tables
    "TABLES": (
        _TABLE_NAMES
        | dict.fromkeys(
            ("table_type", "is_insertable_into", "is_typed", "is_change_history_enabled"), "STRING"
        )
        | {"creation_time": "TIMESTAMP"}
        | dict.fromkeys(("base_table_catalog", "base_table_schema", "base_table_name"), "STRING")
        | {"snapshot_time_ms": "TIMESTAMP", "ddl": "STRING", "default_collation_name": "STRING"},
        _information_tables,
    ),
    "PARTITIONS": (storage_views.PARTITIONS, storage_views.partitions_of),
    "TABLE_STORAGE": (storage_views.STORAGE, storage_views.storage_of),
    "TABLE_OPTIONS": (
        _TABLE_NAMES | {"option_name": "STRING", "option_type": "STRING", "option_value": "STRING"},
        _table_options,
    ),
    "COLUMNS": (
        _TABLE_NAMES
        | {
            "column_name": "STRING",
            "ordinal_position": "INT64",
            "is_nullable": "STRING",
            "data_type": "STRING",
            "is_hidden": "STRING",
            "is_partitioning_column": "STRING",
            "clustering_ordinal_position": "INT64",
        },
        _columns,
    ),
    "MATERIALIZED_VIEWS": (_TABLE_NAMES, _materialized_views),
    "COLUMN_FIELD_PATHS": (
        _TABLE_NAMES | dict.fromkeys(("column_name", "field_path", "data_type", "description"), "STRING"),
        _field_paths,
    ),
    "VIEWS": (
        _TABLE_NAMES | dict.fromkeys(("view_definition", "check_option", "use_standard_sql"), "STRING"),
        _views,
    ),
}
