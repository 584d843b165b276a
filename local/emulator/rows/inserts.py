"""Patch: tabledata.insertAll answers 200, and says which rows were not taken and why.

bqemulator 1.4.0 answers 500 for a row that a column does not take, and drops fields that a table has not.
Source: https://cloud.google.com/bigquery/docs/reference/rest/v2/tabledata/insertAll
"""

from __future__ import annotations

import functools
import inspect
import re
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
from bqemulator.api.routes import tabledata
from bqemulator.domain.errors import DomainError
from bqemulator.storage.sql_identifiers import quoted_table_ref, register_name

from local.emulator.words import own_words

if TYPE_CHECKING:
    from bqemulator.catalog.models import TableMeta
    from fastapi import Request

_REFUSED = (DomainError, duckdb.Error, ValueError, TypeError, ArithmeticError)
_TRIED = register_name("__bqemu_tried_row")
_FIELD = re.compile(r"(?:Field |Required field |column )(?P<name>\w+)")
_STOPPED = {"reason": "stopped", "location": "", "debugInfo": "", "message": ""}


def patch() -> None:
    """Look at each row of what is to be inserted, where not all can be."""
    insert = tabledata.insert_all

    @functools.wraps(insert)
    async def inserted(project_id: str, dataset_id: str, table_id: str, request: Request, ctx: Any) -> Any:
        body = await request.json()
        table, rows = ctx.catalog.get_table(project_id, dataset_id, table_id), body.get("rows") or []
        unknown = [] if table is None or body.get("ignoreUnknownValues") else _unknown(table, rows)
        if not unknown:
            try:
                return await insert(project_id, dataset_id, table_id, request, ctx)
            except _REFUSED:
                if table is None:
                    raise
        errors = {
            index: error for index, row in enumerate(rows) if (error := _error(ctx, table, row))
        } | dict(unknown)
        if not errors:
            return await insert(project_id, dataset_id, table_id, request, ctx)
        said = [{"index": index, "errors": [errors[index]]} for index in sorted(errors)]
        if not body.get("skipInvalidRows"):
            others = (
                {"index": index, "errors": [_STOPPED]} for index in range(len(rows)) if index not in errors
            )
            return _answer(sorted([*said, *others], key=lambda one: one["index"]))
        # What request.json() gives again.
        request._json = body | {"rows": [row for index, row in enumerate(rows) if index not in errors]}
        return (await insert(project_id, dataset_id, table_id, request, ctx)) | _answer(said)

    # The annotations' names are those of the emulator's module.
    inserted.__signature__ = inspect.signature(insert, eval_str=True)  # type: ignore[attr-defined]
    [route] = [one for one in tabledata.router.routes if one.name == insert.__name__]
    route.endpoint = inserted


def _answer(errors: list[dict[str, Any]]) -> dict[str, Any]:
    return {"kind": "bigquery#tableDataInsertAllResponse", "insertErrors": errors}


def _unknown(table: TableMeta, rows: list[dict[str, Any]]) -> list[tuple[int, dict[str, str]]]:
    names = {field.name.lower() for field in table.schema_.fields}
    found = []
    for index, row in enumerate(rows):
        other = next((name for name in row.get("json") or {} if name.lower() not in names), None)
        if other is not None:
            found.append((index, _invalid(other, f"no such field: {other}.")))
    return found


def _error(ctx: Any, table: TableMeta, row: dict[str, Any]) -> dict[str, str] | None:
    """Tell what a table does not take of a row: try it alone, and undo it."""
    fields = table.schema_.fields
    schema = tabledata._build_arrow_schema(tabledata._fields_raw_from_schema(fields))
    given = row.get("json") or {}
    for field in fields:
        try:
            tabledata.bq_rows_to_arrow([row], pa.schema([schema.field(field.name)]))
        except _REFUSED:
            kind = str(field.type).lower()
            return _invalid(
                field.name, f"Cannot convert value to {kind} (bad value): {given.get(field.name)}"
            )
    engine, target = ctx.engine, quoted_table_ref(table.project_id, table.dataset_id, table.table_id)
    engine.connection.register(_TRIED, tabledata.bq_rows_to_arrow([row], schema))
    engine.execute("BEGIN TRANSACTION")
    try:
        shown = tabledata._build_insert_select(list(fields), _TRIED)
        engine.execute(f"INSERT INTO {target} SELECT {shown} FROM {_TRIED}")  # noqa: S608  quoted
    except _REFUSED as error:
        said = own_words(str(error))
        name = _FIELD.search(said) or _FIELD.search(str(error))
        if name is not None and "can't do this statement" in said:
            said = f"Value is out of range for field {name['name']}"
        return _invalid(name["name"] if name is not None else "", said)
    finally:
        engine.execute("ROLLBACK")
        engine.connection.unregister(_TRIED)
    return None


def _invalid(location: str, message: str) -> dict[str, str]:
    return {"reason": "invalid", "location": location, "debugInfo": "", "message": message}
