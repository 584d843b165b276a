"""May this caller run this query, and what is different once it has run.

A view asks for access to its own dataset and to all that it refers to, as in BigQuery, unless the dataset it
refers to names it (or its dataset) as authorised in its access list. What a view refers to is noted when SQL
or the API creates it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.google import errors
from local.google.bigquery import datasets, tables_known
from local.google.iam.authorize import Caller, TableRef, view_is_authorized
from local.google.sql import access as sql_access
from local.google.sql import functions
from local.google.sql.access import CREATE, GET_DATA, UPDATE_DATA, SqlAccess
from local.google.state import ViewRecord

if TYPE_CHECKING:
    from local.google.context import Gateway


def authorise_query(gateway: Gateway, caller: Caller, project: str, query: dict[str, Any]) -> SqlAccess:
    """Give what a query does, where the caller may do it. ``query`` is a job's query configuration.

    Raises Google's 403, or a 400 for legacy SQL and for functions that BigQuery has not.
    """
    if query.get("useLegacySql"):
        raise errors.invalid("Legacy SQL is not served here: set useLegacySql to false.")
    sql = str(query.get("query", ""))
    found = sql_access.extract(sql, project, default_dataset(query, project))
    destination = query.get("destinationTable")
    if destination:
        found.tables |= {(table_of(destination, project), permission) for permission in (CREATE, UPDATE_DATA)}
    check(gateway, caller, found)
    # Who may not read a table is told that first.
    functions.require_bigquerys(sql)
    return found


def check(gateway: Gateway, caller: Caller, access: SqlAccess) -> None:
    """Raise Google's 403 unless the caller holds all that is needed."""
    if caller.is_owner:
        return
    for project, permission in sorted(access.projects | _everywhere(gateway, access)):
        gateway.authorizer.require_project(caller, project, permission)
    for project, dataset, permission in sorted(access.datasets | _named(gateway, access)):
        # SAFE.f() and NET.f() look like routines of a dataset.
        if permission != "bigquery.routines.get" or _known(gateway, project, dataset):
            gateway.authorizer.require_dataset(caller, project, dataset, permission)
    for table, permission in sorted(access.tables):
        gateway.authorizer.require_table(caller, table, permission)
        if permission == GET_DATA:
            _check_view(gateway, caller, table, set())


def _everywhere(gateway: Gateway, access: SqlAccess) -> set[tuple[str, str]]:
    """Give what SQL that may do anything needs: an editor's permissions and more, on every project."""
    needed = (*sql_access.ALL_OF_AN_EDITOR, "bigquery.datasets.update")
    projects = gateway.store.project_ids() if access.unbounded else ()
    return {(project, permission) for project in projects for permission in needed}


def _named(gateway: Gateway, access: SqlAccess) -> set[tuple[str, str, str]]:
    """Give what SQL that could not be read needs: an editor's permissions on every dataset it names."""
    return {
        (project, dataset, permission)
        for project, dataset in access.named
        if _known(gateway, project, dataset)
        for permission in sql_access.ALL_OF_AN_EDITOR
    } | {
        (project, dataset, GET_DATA)
        for project, dataset in access.read_datasets
        if _known(gateway, project, dataset)
    }


def default_dataset(query: dict[str, Any], project: str) -> tuple[str, str] | None:
    """Give the (project, dataset) of names that have none, where the query sets one."""
    given = query.get("defaultDataset") or {}
    return (given.get("projectId") or project, given["datasetId"]) if given.get("datasetId") else None


def table_of(reference: dict[str, Any], project: str) -> TableRef:
    """Give a table from BigQuery's tableReference."""
    return TableRef(
        str(reference.get("projectId") or project),
        str(reference.get("datasetId", "")),
        str(reference.get("tableId", "")),
    )


async def note_effects(gateway: Gateway, caller: Caller, access: SqlAccess) -> None:
    """Note the views and schemas that a query made or dropped, once it succeeded."""
    changed = False
    for project, dataset in access.dropped_schemas:
        datasets.forget(gateway, project, dataset)
    for project, dataset in access.created_schemas:
        if not _known(gateway, project, dataset):
            await datasets.adopt(gateway, project, dataset, caller, caller.email)
    for table in access.dropped:
        changed |= forget_view(gateway, table)
        changed |= tables_known.forget(gateway, table)
    for made in access.views:
        reads = [(read.project, read.dataset, read.table) for read in made.reads]
        note_view(gateway, made.name, ViewRecord(query=made.query, reads=reads))
        changed = True
    if changed:
        gateway.store.save()


def view(gateway: Gateway, name: TableRef) -> ViewRecord | None:
    """Give what is noted of a view, None if there is no view of this name."""
    record = gateway.authorizer.project(name.project).datasets.get(name.dataset)
    return record.views.get(name.table) if record is not None else None


def note_view(gateway: Gateway, name: TableRef, made: ViewRecord) -> None:
    """Note what a view refers to. The caller saves the state."""
    if _known(gateway, name.project, name.dataset):
        gateway.authorizer.project(name.project).datasets[name.dataset].views[name.table] = made


def forget_view(gateway: Gateway, name: TableRef) -> bool:
    """Forget a view that is gone, or has become a table; tells whether there was one."""
    if not _known(gateway, name.project, name.dataset):
        return False
    views = gateway.authorizer.project(name.project).datasets[name.dataset].views
    return views.pop(name.table, None) is not None


def _known(gateway: Gateway, project: str, dataset: str) -> bool:
    record = gateway.store.project(project)
    return record is not None and dataset in record.datasets


def _check_view(gateway: Gateway, caller: Caller, name: TableRef, seen: set[TableRef]) -> None:
    seen.add(name)
    known = view(gateway, name)
    for base in (TableRef(*read) for read in known.reads) if known is not None else ():
        dataset = gateway.authorizer.project(base.project).datasets.get(base.dataset)
        if base in seen or (dataset is not None and view_is_authorized(name, dataset)):
            continue
        gateway.authorizer.require_table(caller, base, GET_DATA)
        _check_view(gateway, caller, base, seen)
