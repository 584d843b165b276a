"""Resource Manager v1: projects and their policies.

Source: https://cloud.google.com/resource-manager/reference/rest/v1/projects
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from starlette.requests import Request

from local.google import errors
from local.google.context import caller_of, gateway_of
from local.google.iam import conditions, policies
from local.google.iam.accounts import json_body

if TYPE_CHECKING:
    from local.google.state import ProjectRecord

# Projects here have always existed; Google gives a creation time, so one is made up.
_CREATED = "2020-01-01T00:00:00.000Z"

router = APIRouter()


@router.get("/v1/projects/{project_id}")
async def get_project(request: Request, project_id: str) -> dict[str, Any]:
    """Give a project by id or number."""
    gateway_of(request).authorizer.require_iam(caller_of(request), project_id, "resourcemanager.projects.get")
    record = gateway_of(request).authorizer.project(project_id)
    names = gateway_of(request).store.state.projects
    name = next(name for name, other in names.items() if other is record)
    return {
        "projectNumber": record.number,
        "projectId": name,
        "lifecycleState": "ACTIVE",
        "name": name,
        "createTime": _CREATED,
    }


@router.post("/v1/projects/{project_id}:getIamPolicy")
async def get_policy(request: Request, project_id: str) -> dict[str, Any]:
    """Give a project's policy."""
    gateway = gateway_of(request)
    gateway.authorizer.require_iam(caller_of(request), project_id, "resourcemanager.projects.getIamPolicy")
    return _policy(gateway.authorizer.project(project_id))


@router.post("/v1/projects/{project_id}:setIamPolicy")
async def set_policy(request: Request, project_id: str) -> dict[str, Any]:
    """Replace a project's policy. An etag that is not the latest answers 409, nothing is changed."""
    gateway = gateway_of(request)
    caller = caller_of(request)
    gateway.authorizer.require_iam(caller, project_id, conditions.SET_POLICY)
    project = gateway.authorizer.project(project_id)
    policy = (await json_body(request)).get("policy")
    for binding in (policy or {}).get("bindings", []):
        for public in {"allUsers", "allAuthenticatedUsers"}.intersection(binding.get("members", [])):
            raise errors.invalid(f"The member {public} is not allowed in a project's policy.")
    bindings = policies.checked_bindings(policy, project.policy_generation, gateway.store)
    for role in sorted(conditions.changed_roles(project.bindings, bindings)):
        gateway.authorizer.require_grantable(caller, project_id, role)
    project.bindings = bindings
    project.policy_generation += 1
    gateway.store.save()
    return _policy(project)


@router.post("/v1/projects/{project_id}:testIamPermissions")
async def test_permissions(request: Request, project_id: str) -> dict[str, Any]:
    """Give those of the permissions asked about that the caller holds on the project."""
    gateway = gateway_of(request)
    caller = caller_of(request)
    asked = (await json_body(request)).get("permissions", [])
    return {
        "permissions": [
            permission
            for permission in asked
            if gateway.authorizer.on_project(caller, project_id, permission)
        ]
    }


def _policy(project: ProjectRecord) -> dict[str, Any]:
    return {
        "version": 3 if any("condition" in binding for binding in project.bindings) else 1,
        "etag": policies.etag(project.policy_generation),
        "bindings": project.bindings,
    }
