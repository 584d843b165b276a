"""Service Usage v1: which Google APIs are switched on in a project.

Source: https://cloud.google.com/service-usage/docs/reference/rest/v1/services
"""

from __future__ import annotations

import re
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request

from local.google import errors
from local.google.context import caller_of, gateway_of
from local.google.iam.accounts import json_body
from local.google.state import ProjectRecord

_SERVICES = "/v1/projects/{project_id}/services"
_SERVICE = re.compile(r"[a-z][a-z0-9-]*\.googleapis\.com")
_ITSELF = "serviceusage.googleapis.com"
_MAX_BATCH = 20

router = APIRouter()


@router.get(_SERVICES)
async def list_services(request: Request, project_id: str) -> dict[str, Any]:
    """List what is switched on, all on one page, whatever the filter."""
    project = _project(request, project_id, "serviceusage.services.list")
    return {
        "services": [_service(request, project, name) for name in gateway_of(request).apis.names_on(project)]
    }


@router.post(_SERVICES + ":batchEnable")
async def batch_enable(request: Request, project_id: str) -> dict[str, Any]:
    """Switch several APIs on: all or none."""
    project = _project(request, project_id, "serviceusage.services.enable")
    names = (await json_body(request)).get("serviceIds", [])
    if not isinstance(names, list) or not 0 < len(names) <= _MAX_BATCH:
        raise errors.invalid(f"serviceIds must name 1 to {_MAX_BATCH} services.")
    return _enable(request, project, [str(name) for name in names])


@router.get(_SERVICES + "/{name}")
async def get_service(request: Request, project_id: str, name: str) -> dict[str, Any]:
    """Say whether one is on."""
    project = _project(request, project_id, "serviceusage.services.get")
    _check(name)
    return _service(request, project, name)


@router.post(_SERVICES + "/{name}:enable")
async def enable(request: Request, project_id: str, name: str) -> dict[str, Any]:
    """Switch one on."""
    return _enable(request, _project(request, project_id, "serviceusage.services.enable"), [name])


@router.post(_SERVICES + "/{name}:disable")
async def disable(request: Request, project_id: str, name: str) -> dict[str, Any]:
    """Switch one off."""
    project = _project(request, project_id, "serviceusage.services.disable")
    _check(name)
    if name == _ITSELF:
        raise errors.invalid(f"{name} can't be switched off here: nothing could switch it on again.")
    gateway_of(request).apis.switch(project, [name], on=False)
    return _done({"service": _service(request, project, name)})


def _project(request: Request, project_id: str, permission: str) -> ProjectRecord:
    gateway = gateway_of(request)
    gateway.authorizer.require_iam(caller_of(request), project_id, permission)
    return gateway.authorizer.project(project_id)


def _enable(request: Request, project: ProjectRecord, names: list[str]) -> dict[str, Any]:
    for name in names:
        _check(name)
    gateway_of(request).apis.switch(project, names, on=True)
    return _done({"services": [_service(request, project, name) for name in names]})


def _check(name: str) -> None:
    if not _SERVICE.fullmatch(name):
        raise errors.not_found(f"Not found or permission denied for service(s): {name}.")


def _service(request: Request, project: ProjectRecord, name: str) -> dict[str, Any]:
    parent = f"projects/{project.number}"
    state = "ENABLED" if gateway_of(request).apis.is_on(project, name) else "DISABLED"
    return {"name": f"{parent}/services/{name}", "config": {"name": name}, "state": state, "parent": parent}


def _done(response: dict[str, Any]) -> dict[str, Any]:
    """An operation that ended at once, as Google answers where there is nothing to wait for."""
    return {"name": "operations/noop.DONE_OPERATION", "done": True, "response": response}
