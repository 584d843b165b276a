"""gcp:projects/service:Service over Service Usage: an API that is switched on in a project."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from local.gcp_plugin.errors import GoogleError, PluginError
from local.gcp_plugin.google_api import Google
from local.gcp_plugin.kind import Found, Kind, Property, Values, check_deletion_policy, deletes, project_of


def _check_service(value: str) -> list[str]:
    if re.fullmatch(r"[a-z][a-z0-9-]*(\.[a-z0-9-]+)+", value):
        return []
    return [f"{value!r} is not the name of an API: write bigquery.googleapis.com"]


class ProjectService(Kind):
    """An API. Removing the resource leaves the API on, unless `disableOnDestroy` says otherwise."""

    token = "gcp:projects/service:Service"  # noqa: S105
    service = "serviceusage"
    properties: ClassVar[Mapping[str, Property]] = {
        "checkIfServiceHasUsageOnDestroy": Property(type=bool),
        "deletionPolicy": Property(absent="DELETE", rule=check_deletion_policy),
        "disableDependentServices": Property(type=bool),
        "disableOnDestroy": Property(type=bool, absent=False),
        "project": Property(replaces=True, from_provider=True),
        "service": Property(required=True, replaces=True, rule=_check_service),
    }

    async def create(self, google: Google, inputs: Values) -> Found:
        """Switch it on; one that is on already is fine."""
        resource_id = f"{project_of(inputs, google.config)}/{inputs['service']}"
        await google.call(
            "serviceusage",
            "POST",
            f"{_path(resource_id)}:enable",
            doing=f"enabling {inputs['service']}",
            body={},
            repeatable=True,
        )
        return Found(resource_id, _outputs(resource_id, inputs))

    async def read(self, google: Google, resource_id: str, state: Values) -> Found | None:
        """Ask whether it is on."""
        try:
            answer = await google.call(
                "serviceusage", "GET", _path(resource_id), doing=f"reading whether {resource_id} is enabled"
            )
        except GoogleError as error:
            if error.status == 404:
                return None
            raise
        return Found(resource_id, _outputs(resource_id, state)) if answer.get("state") == "ENABLED" else None

    async def update(self, google: Google, resource_id: str, state: Values, inputs: Values) -> Values:  # noqa: ARG002
        """Only what happens at a destroy changes in place, and the service knows nothing of it."""
        return _outputs(resource_id, inputs)

    async def delete(self, google: Google, resource_id: str, state: Values) -> None:
        """Switch it off, only where the program said so."""
        if not deletes(state, f"Service {resource_id}") or not state.get("disableOnDestroy"):
            return
        await google.call(
            "serviceusage",
            "POST",
            f"{_path(resource_id)}:disable",
            doing=f"disabling {resource_id}",
            body={"disableDependentServices": bool(state.get("disableDependentServices"))},
            repeatable=True,
        )


def _path(resource_id: str) -> str:
    project, _, service = resource_id.partition("/")
    if not project or not service or "/" in service:
        raise PluginError(f"{resource_id!r} is not the id of an API in a project: write PROJECT/NAME")
    return f"projects/{project}/services/{service}"


def _outputs(resource_id: str, values: Values) -> Values:
    project, _, service = resource_id.partition("/")
    return {
        "checkIfServiceHasUsageOnDestroy": values.get("checkIfServiceHasUsageOnDestroy"),
        "deletionPolicy": values.get("deletionPolicy") or "DELETE",
        "disableDependentServices": values.get("disableDependentServices"),
        "disableOnDestroy": values.get("disableOnDestroy"),
        "id": resource_id,
        "project": project,
        "service": service,
    }
