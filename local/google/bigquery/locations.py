"""A job runs in one place, and sees the datasets of that place only.

Source: https://cloud.google.com/bigquery/docs/locations#specify_locations
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.google import errors

if TYPE_CHECKING:
    from local.google.context import Gateway
    from local.google.sql.access import SqlAccess


def require(gateway: Gateway, access: SqlAccess, location: str) -> None:
    """Raise BigQuery's 404 for a dataset that is not where the job runs.

    Where the job does not say, the first dataset does.
    """
    used = {(table.project, table.dataset) for table, _ in access.tables}
    used |= {(project, dataset) for project, dataset, _ in access.datasets}
    for project_id, dataset_id in sorted(used):
        project = gateway.store.project(project_id)
        dataset = project.datasets.get(dataset_id) if project else None
        if dataset is None:
            continue
        there = str(dataset.fields["location"])
        location = location or there
        if location.upper() != there.upper():
            raise errors.not_found(
                f"Not found: Dataset {project_id}:{dataset_id} was not found in location {location}"
            )
