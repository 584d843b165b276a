"""A job runs in one place, and sees the datasets of that place only; names in another case are other names.

Source: https://cloud.google.com/bigquery/docs/locations#specify_locations and
https://cloud.google.com/bigquery/docs/reference/standard-sql/lexical#case_sensitivity
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from local.google import errors
from local.google.sql.access import CREATE, LIST

if TYPE_CHECKING:
    from collections.abc import Iterable

    from local.google.context import Gateway
    from local.google.iam.authorize import Caller
    from local.google.sql.access import SqlAccess


_WHERE = "was not found in location "
_ABSENT = re.compile(r"^Not found: (?:Dataset|Table) \S+:\S+$")


def require(gateway: Gateway, access: SqlAccess, location: str) -> None:
    """Raise BigQuery's 404 for a dataset that is not where the job runs.

    Where the job does not say, the first dataset does.
    """
    listed = {(project, dataset) for project, dataset, permission in access.datasets if permission == LIST}
    for project_id, dataset_id in _used(access):
        project = gateway.store.project(project_id)
        dataset = project.datasets.get(dataset_id) if project else None
        if dataset is None:
            others = project.datasets if project else ()
            is_made = (project_id, dataset_id) in access.created_schemas
            # The emulator's INFORMATION_SCHEMA of a dataset that is not there would be empty.
            if not is_made and ((project_id, dataset_id) in listed or _in_another_case(dataset_id, others)):
                raise _no_dataset(project_id, dataset_id, location or "US")
            continue
        there = str(dataset.fields["location"])
        location = location or there
        if location.upper() != there.upper():
            raise _no_dataset(project_id, dataset_id, location)


def said(gateway: Gateway, access: SqlAccess, location: str, message: str) -> str:
    """Give the emulator's message; of what is absent, with the place where the job ran."""
    if not _ABSENT.match(message):
        return message
    datasets = (
        project.datasets.get(dataset_id)
        for project_id, dataset_id in _used(access)
        if (project := gateway.store.project(project_id)) is not None
    )
    there = location or next((str(one.fields["location"]) for one in datasets if one is not None), "US")
    return f"{message} {_WHERE}{there}"


def _used(access: SqlAccess) -> list[tuple[str, str]]:
    used = {(table.project, table.dataset) for table, _ in access.tables}
    return sorted(used | {(project, dataset) for project, dataset, _ in access.datasets})


async def require_tables(gateway: Gateway, caller: Caller, access: SqlAccess, location: str) -> None:
    """Raise BigQuery's 404 for a table that is read in another case: the engine would take it."""
    made = {table for table, permission in access.tables if permission == CREATE}
    for name in sorted(access.reads() - made - gateway.tables_seen):
        project = gateway.store.project(name.project)
        dataset = project.datasets.get(name.dataset) if project else None
        if dataset is None or dataset.fields.get("isCaseInsensitive"):
            continue
        path = f"/bigquery/v2/projects/{name.project}/datasets/{name.dataset}/tables"
        status, _ = await gateway.backend.call("GET", f"{path}/{quote(name.table, safe='')}", caller)
        if status == 200:
            gateway.tables_seen.add(name)
            continue
        listed = (await gateway.backend.get(path, caller, {"maxResults": "100000"})).get("tables", [])
        if _in_another_case(name.table, [table["tableReference"]["tableId"] for table in listed]):
            place = location or dataset.fields["location"]
            raise errors.not_found(f"Not found: Table {name} {_WHERE}{place}")


def _in_another_case(name: str, others: Iterable[str]) -> bool:
    return any(other != name and other.lower() == name.lower() for other in others)


def _no_dataset(project_id: str, dataset_id: str, location: str) -> errors.GoogleError:
    return errors.not_found(f"Not found: Dataset {project_id}:{dataset_id} {_WHERE}{location}")
