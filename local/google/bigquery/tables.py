"""What lies in a dataset: tables, their rows, routines, models. Checked here, served by the emulator.

Source: https://cloud.google.com/bigquery/docs/reference/rest/v2/tables
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from local.google import errors
from local.google.bigquery import queries, tables_known
from local.google.bigquery.backend import raise_refusal
from local.google.bigquery.datasets import DATASET, enter
from local.google.bigquery.views.dataset_views import sql_type
from local.google.context import caller_of, gateway_of
from local.google.iam.accounts import json_body
from local.google.iam.authorize import Caller, TableRef
from local.google.sql import access as sql_access
from local.google.sql.rewrite.create import ingestion_column, is_by_ingestion
from local.google.state import ViewRecord

if TYPE_CHECKING:
    from local.google.context import Gateway

_PAGE = 50  # tables, where a request does not say
_ALL = 1_000_000
_LISTED = (
    "kind",
    "id",
    "tableReference",
    "friendlyName",
    "type",
    "timePartitioning",
    "rangePartitioning",
    "clustering",
    "labels",
    "creationTime",
    "expirationTime",
    "requirePartitionFilter",
)
ANONYMOUS = "_bqemu_anonymous"  # the emulator's dataset of query results
_PERMISSIONS = (
    (r"tables", {"GET": "tables.list", "POST": "tables.create"}),
    (
        r"tables/[^/]+",
        {"GET": "tables.get", "PATCH": "tables.update", "PUT": "tables.update", "DELETE": "tables.delete"},
    ),
    (r"tables/[^/]+/data", {"GET": "tables.getData"}),
    (r"tables/[^/]+/insertAll", {"POST": "tables.updateData"}),
    (
        r"tables/[^/]+/rowAccessPolicies(?:/[^/:]+)?",
        {
            "GET": "rowAccessPolicies.list",
            "POST": "rowAccessPolicies.create",
            "PUT": "rowAccessPolicies.update",
            "DELETE": "rowAccessPolicies.delete",
        },
    ),
    (r"routines", {"GET": "routines.list", "POST": "routines.create"}),
    (
        r"routines/[^/]+",
        {
            "GET": "routines.get",
            "PATCH": "routines.update",
            "PUT": "routines.update",
            "DELETE": "routines.delete",
        },
    ),
    (r"models", {"GET": "models.list"}),
    (
        r"models/[^/]+",
        {"GET": "models.getMetadata", "PATCH": "models.updateMetadata", "DELETE": "models.delete"},
    ),
)
_TABLE = re.compile(r"tables/([^/]+)")

router = APIRouter()


@router.get("/bigquery/v2/projects")
async def list_projects(request: Request) -> dict[str, Any]:
    """List the projects in which the caller holds any role."""
    caller, gateway = caller_of(request), gateway_of(request)
    visible = [
        name
        for name in gateway.store.project_ids()
        if gateway.authorizer.on_project(caller, name, "resourcemanager.projects.get")
    ]
    items = [
        {
            "kind": "bigquery#project",
            "id": name,
            "numericId": gateway.authorizer.project(name).number,
            "projectReference": {"projectId": name},
            "friendlyName": name,
        }
        for name in visible
    ]
    return {"kind": "bigquery#projectList", "projects": items, "totalItems": len(items)}


@router.api_route(DATASET + "/{rest:path}", methods=["GET", "POST", "PATCH", "PUT", "DELETE"])
async def in_dataset(request: Request, project_id: str, dataset_id: str, rest: str) -> Response:
    """Serve everything inside a dataset to a caller who holds its permission."""
    gateway, caller = await enter(request, project_id)
    match = _TABLE.match(rest)
    table = TableRef(project_id, dataset_id, match[1]) if match else None
    if dataset_id == ANONYMOUS:
        _require_own_rows(gateway, caller, request, table)
        return await gateway.backend.stream(request, caller)
    permission = _permission(rest, request.method)
    if table is not None:
        gateway.authorizer.require_table(caller, table, permission)
    else:
        gateway.authorizer.require_dataset(caller, project_id, dataset_id, permission)
    if table is not None and rest.endswith("/data"):
        queries.check(gateway, caller, sql_access.SqlAccess({(table, sql_access.GET_DATA)}))
    if rest == "tables" and request.method == "GET":
        return await _list(gateway, caller, request)
    if rest == "tables" and request.method == "POST":
        return await _create(gateway, caller, request, project_id, dataset_id)
    if table is not None and rest == f"tables/{table.table}":
        return await _one_table(gateway, caller, request, table)
    return await gateway.backend.stream(request, caller)


async def _create(
    gateway: Gateway, caller: Caller, request: Request, project_id: str, dataset_id: str
) -> Response:
    body = await json_body(request)
    name = str((body.get("tableReference") or {}).get("tableId", ""))
    view = _checked_view(gateway, caller, TableRef(project_id, dataset_id, name), body)
    answer = await gateway.backend.stream(request, caller, await request.body())
    if answer.status_code < 400:
        table = TableRef(project_id, dataset_id, name)
        if is_by_ingestion(body.get("timePartitioning")):
            column = ingestion_column(str(body["timePartitioning"]["type"]))
            await gateway.backend.ask(
                project_id,
                f"ALTER TABLE `{table.project}`.`{table.dataset}`.`{table.table}` ADD COLUMN {column}",
                caller,
            )
        if view is not None:
            queries.note_view(gateway, table, view)
        tables_known.note(gateway, table, {key: value for key, value in body.items() if key != "type"})
        gateway.store.save()
    return answer


async def _one_table(gateway: Gateway, caller: Caller, request: Request, table: TableRef) -> Response:
    if request.method == "GET":
        return await _get(gateway, caller, table)
    if request.method == "DELETE":
        return await _delete(gateway, caller, request, table)
    return await _change(gateway, caller, request, table)


async def _get(gateway: Gateway, caller: Caller, table: TableRef) -> Response:
    status, answer = await gateway.backend.call("GET", tables_known.path_of(table), caller)
    raise_refusal(status, answer)
    view = queries.view(gateway, table)
    if view is not None:
        # The emulator keeps a view's SQL to itself.
        answer |= {"type": "VIEW", "view": {"query": view.query, "useLegacySql": False}}
    return JSONResponse(tables_known.shown(gateway, answer))


async def _list(gateway: Gateway, caller: Caller, request: Request) -> Response:
    """List a dataset's tables, a page at a time."""
    answer = await gateway.backend.get(request.url.path, caller, {"maxResults": str(_ALL)})
    items = answer.get("tables", [])
    start = int(request.query_params.get("pageToken") or 0)
    end = start + int(request.query_params.get("maxResults") or _PAGE)
    shown = [tables_known.shown(gateway, item) for item in items[start:end]]
    listed = [{name: item[name] for name in _LISTED if name in item} for item in shown]
    page = {"kind": "bigquery#tableList", "tables": listed, "totalItems": len(items)}
    return JSONResponse(page | ({"nextPageToken": str(end)} if end < len(items) else {}))


async def _change(gateway: Gateway, caller: Caller, request: Request, table: TableRef) -> Response:
    body = await json_body(request)
    view = _checked_view(gateway, caller, table, body)
    if body.get("schema", {}).get("fields"):
        await _add_columns(gateway, caller, table, body["schema"]["fields"])
    answer = await gateway.backend.call(request.method, tables_known.path_of(table), caller, body=body)
    raise_refusal(*answer)
    if view is not None:
        queries.note_view(gateway, table, view)
    tables_known.note(gateway, table, body)
    gateway.store.save()
    return await _get(gateway, caller, table)


async def _add_columns(
    gateway: Gateway, caller: Caller, table: TableRef, fields: list[dict[str, Any]]
) -> None:
    """Add the columns and fields that the table lacks: the emulator's PATCH changes no rows."""
    known = await gateway.backend.get(tables_known.path_of(table), caller)
    added = _new(fields, known.get("schema", {}).get("fields", []))
    if not added or known.get("type") != "TABLE":
        return
    if any(field.get("mode") == "REQUIRED" for _, field in added):
        raise errors.invalid(f"Provided Schema does not match Table {table}: a new column can't be REQUIRED.")
    # A field of a STRUCT is written in one name with dots: so the emulator takes it.
    columns = ", ".join(f"ADD COLUMN `{path}` {sql_type(field)}" for path, field in added)
    sql = f"ALTER TABLE `{table.project}`.`{table.dataset}`.`{table.table}` {columns}"
    async with gateway.writers.write([table]):
        await gateway.backend.ask(table.project, sql, caller)


def _new(
    fields: list[dict[str, Any]], known: list[dict[str, Any]], within: str = ""
) -> list[tuple[str, dict[str, Any]]]:
    """Give the fields that are not known, each with its path: `a.b`, or `a.element.b` in an array."""
    there = {field["name"].lower(): field for field in known}
    found = []
    for field in fields:
        path = f"{within}{field['name']}"
        before = there.get(field["name"].lower())
        if before is None:
            found.append((path, field))
        elif field.get("fields"):
            inside = f"{path}.element." if before.get("mode") == "REPEATED" else f"{path}."
            found += _new(field["fields"], before.get("fields", []), inside)
    return found


async def _delete(gateway: Gateway, caller: Caller, request: Request, table: TableRef) -> Response:
    if queries.view(gateway, table) is not None:
        # The emulator's own DELETE is for tables only, and fails on a view.
        sql = f"DROP VIEW `{table.project}`.`{table.dataset}`.`{table.table}`"
        await gateway.backend.ask(table.project, sql, caller)
        answered = Response(status_code=204)
    else:
        answered = await gateway.backend.stream(request, caller)
    if answered.status_code < 400:
        queries.forget_view(gateway, table)
        tables_known.forget(gateway, table)
        gateway.store.save()
    return answered


def _checked_view(
    gateway: Gateway, caller: Caller, table: TableRef, body: dict[str, Any]
) -> ViewRecord | None:
    """Give a view's definition where the request has one and the caller may read what it refers to."""
    query = (body.get("view") or {}).get("query")
    if not query:
        return None
    access = queries.authorise_query(gateway, caller, table.project, {"query": query})
    return ViewRecord(
        query=query, reads=[(read.project, read.dataset, read.table) for read in sorted(access.reads())]
    )


def _permission(rest: str, method: str) -> str:
    for pattern, by_method in _PERMISSIONS:
        if re.fullmatch(pattern, rest) and method in by_method:
            return f"bigquery.{by_method[method]}"
    raise errors.not_found(f"Not found: {method} {rest} is not served here.")


def _require_own_rows(gateway: Gateway, caller: Caller, request: Request, table: TableRef | None) -> None:
    seen = gateway.jobs.get(f"{table.project}/{table.table}") if table is not None else None
    if caller.is_owner or (request.method == "GET" and seen is not None and seen.email == caller.email):
        return
    raise errors.access_denied(f"Access Denied: Table {table}: the results of a query belong to who ran it.")
