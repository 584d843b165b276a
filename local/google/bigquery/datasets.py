"""BigQuery's datasets. The emulator holds them; what it loses or does not check is kept and done here.

It checks no etag, forgets several fields, clears none, and answers 404 for a dataset that is not empty.
Source: https://cloud.google.com/bigquery/docs/reference/rest/v2/datasets
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from local.google import errors
from local.google.bigquery import dataset_access
from local.google.bigquery.backend import raise_refusal
from local.google.context import caller_of, gateway_of
from local.google.iam.accounts import json_body
from local.google.state import DatasetRecord

if TYPE_CHECKING:
    from local.google.context import Gateway
    from local.google.iam.authorize import Caller

DATASETS = "/bigquery/v2/projects/{project_id}/datasets"
DATASET = DATASETS + "/{dataset_id}"
_DATASET_ID = re.compile(r"[A-Za-z0-9_]{1,1024}")
_CHANGEABLE = (
    "access",
    "defaultCollation",
    "defaultEncryptionConfiguration",
    "defaultPartitionExpirationMs",
    "defaultRoundingMode",
    "defaultTableExpirationMs",
    "description",
    "friendlyName",
    "isCaseInsensitive",
    "labels",
    "maxTimeTravelHours",
    "resourceTags",
    "storageBillingModel",
)
_INT64 = ("defaultPartitionExpirationMs", "defaultTableExpirationMs", "maxTimeTravelHours")
_LISTED = ("kind", "id", "datasetReference", "labels", "friendlyName", "location", "type")
_PAGE = 1000  # datasets, where a request does not say

router = APIRouter()


async def enter(request: Request, project_id: str) -> tuple[Gateway, Caller]:
    """Let a signed-in caller into a project that exists, and know its datasets. Raises a 401 or 404."""
    caller = caller_of(request)
    gateway = gateway_of(request)
    if project_id not in gateway.store.project_ids():
        raise errors.not_found(f"Not found: Project {project_id}")
    if project_id not in gateway.synced:
        await sync(gateway, project_id, caller)
        gateway.synced.add(project_id)
    return gateway, caller


@router.get(DATASETS)
async def list_datasets(request: Request, project_id: str) -> dict[str, Any]:
    """List the datasets that the caller may see, as BigQuery does."""
    gateway, caller = await enter(request, project_id)
    await sync(gateway, project_id, caller)
    visible = [
        name
        for name in sorted(gateway.authorizer.project(project_id).datasets)
        if gateway.authorizer.on_dataset(caller, project_id, name, "bigquery.datasets.get")
    ]
    start = int(request.query_params.get("pageToken") or 0)
    end = start + int(request.query_params.get("maxResults") or _PAGE)
    items = [_resource(gateway, project_id, name, {}) for name in visible[start:end]]
    listed = [{field: item[field] for field in _LISTED if field in item} for item in items]
    answer: dict[str, Any] = {"kind": "bigquery#datasetList"}
    answer |= {"datasets": listed} if listed else {}
    return answer | ({"nextPageToken": str(end)} if end < len(visible) else {})


@router.post(DATASETS)
async def insert_dataset(request: Request, project_id: str) -> dict[str, Any]:
    """Create a dataset. Its creator owns it, unless the request says who has access."""
    gateway, caller = await enter(request, project_id)
    gateway.authorizer.require_project(caller, project_id, "bigquery.datasets.create")
    body = await json_body(request)
    dataset_id = str((body.get("datasetReference") or {}).get("datasetId", ""))
    if not _DATASET_ID.fullmatch(dataset_id):
        raise errors.invalid(
            f'Invalid dataset ID "{dataset_id}". Dataset IDs must be alphanumeric (plus underscores) '
            "and must be at most 1024 characters long."
        )
    fields = _checked(gateway, f"{project_id}:{dataset_id}", body)
    fields["location"] = str(body.get("location") or "US")
    fields.setdefault("access", dataset_access.default_access(caller.email))
    path = DATASETS.format(project_id=project_id)
    reference = {"projectId": project_id, "datasetId": dataset_id}
    status, answer = await gateway.backend.call(
        "POST", path, caller, body=fields | {"datasetReference": reference}
    )
    if status == 409:
        raise errors.already_exists(f"Already Exists: Dataset {project_id}:{dataset_id}")
    raise_refusal(status, answer)
    record = DatasetRecord(fields=fields, modified=_now())
    gateway.authorizer.project(project_id).datasets[dataset_id] = record
    gateway.store.save()
    return _resource(gateway, project_id, dataset_id, answer)


@router.get(DATASET)
async def get_dataset(request: Request, project_id: str, dataset_id: str) -> dict[str, Any]:
    """Give a dataset."""
    gateway, caller = await enter(request, project_id)
    answer = await _existing(gateway, caller, project_id, dataset_id, "bigquery.datasets.get")
    return _resource(gateway, project_id, dataset_id, answer)


@router.patch(DATASET)
@router.put(DATASET)
async def change_dataset(request: Request, project_id: str, dataset_id: str) -> dict[str, Any]:
    """Change a dataset: PATCH the fields given (null clears one), PUT all but ``access`` and location.

    An If-Match that is not the dataset's etag answers 412, nothing is changed.
    """
    gateway, caller = await enter(request, project_id)
    existing = await _existing(gateway, caller, project_id, dataset_id, "bigquery.datasets.update")
    record = gateway.authorizer.project(project_id).datasets[dataset_id]
    expected = request.headers.get("if-match")
    if expected and expected not in ("*", _etag(record)):
        raise errors.precondition_failed()
    body = await json_body(request)
    given = _checked(gateway, f"{project_id}:{dataset_id}", body)
    kept = record.fields if request.method == "PATCH" else {}
    fields = {name: value for name, value in kept.items() if name not in body} | given
    if request.method == "PATCH" and isinstance(body.get("labels"), dict):
        merged = record.fields.get("labels", {}) | body["labels"]
        fields["labels"] = {name: value for name, value in merged.items() if value is not None}
    fields.setdefault("access", record.fields.get("access", []))
    fields["location"] = record.fields["location"]
    record.fields = fields
    record.modified = max(_now(), record.modified + 1)
    sent = dict.fromkeys(_CHANGEABLE) | fields | {"labels": fields.get("labels", {})}
    status, answer = await gateway.backend.call("PUT", _path(project_id, dataset_id), caller, body=sent)
    raise_refusal(status, answer)
    gateway.store.save()
    return _resource(gateway, project_id, dataset_id, existing)


@router.delete(DATASET)
async def delete_dataset(request: Request, project_id: str, dataset_id: str) -> Response:
    """Delete a dataset; one with tables only where ``deleteContents`` is true."""
    gateway, caller = await enter(request, project_id)
    await _existing(gateway, caller, project_id, dataset_id, "bigquery.datasets.delete")
    path = _path(project_id, dataset_id)
    contents = request.query_params.get("deleteContents", "false").lower() == "true"
    if not contents:
        for kind in ("tables", "routines", "models"):
            found = await gateway.backend.get(f"{path}/{kind}", caller, {"maxResults": "1"})
            if found.get(kind):
                raise errors.in_use(f"Dataset {project_id}:{dataset_id} is still in use")
    status, answer = await gateway.backend.call(
        "DELETE", path, caller, params={"deleteContents": str(contents).lower()}
    )
    raise_refusal(status, answer)
    forget(gateway, project_id, dataset_id)
    return Response(status_code=204)


def forget(gateway: Gateway, project_id: str, dataset_id: str) -> None:
    """Drop what is known of a dataset that is gone, its grants with it."""
    gateway.authorizer.project(project_id).datasets.pop(dataset_id, None)
    gateway.store.save()


async def adopt(gateway: Gateway, project_id: str, dataset_id: str, caller: Caller, creator: str) -> None:
    """Know a dataset that SQL created, or that was there before this state: BigQuery's default access."""
    found = await gateway.backend.get(_path(project_id, dataset_id), caller)
    fields = {name: found[name] for name in (*_CHANGEABLE, "location") if name in found}
    fields.setdefault("access", dataset_access.default_access(creator))
    record = DatasetRecord(fields=fields, modified=int(found["lastModifiedTime"]))
    gateway.authorizer.project(project_id).datasets[dataset_id] = record
    gateway.store.save()


async def sync(gateway: Gateway, project_id: str, caller: Caller) -> None:
    """Know just the datasets that the emulator has."""
    path = DATASETS.format(project_id=project_id)
    answer = await gateway.backend.get(path, caller, {"maxResults": "100000"})
    there = {item["datasetReference"]["datasetId"] for item in answer.get("datasets", [])}
    known = gateway.authorizer.project(project_id).datasets
    for dataset_id in known.keys() - there:
        forget(gateway, project_id, dataset_id)
    for dataset_id in there - known.keys():
        await adopt(gateway, project_id, dataset_id, caller, "")


async def _existing(
    gateway: Gateway, caller: Caller, project_id: str, dataset_id: str, permission: str
) -> dict[str, Any]:
    """Give the emulator's dataset to a caller who holds the permission. Raises a 404 or a 403."""
    status, answer = await gateway.backend.call("GET", _path(project_id, dataset_id), caller)
    if status == 404:
        forget(gateway, project_id, dataset_id)
        # Only who may see all datasets learns that there is none of this name.
        gateway.authorizer.require_project(caller, project_id, permission)
        raise errors.not_found(f"Not found: Dataset {project_id}:{dataset_id}")
    raise_refusal(status, answer)
    if dataset_id not in gateway.authorizer.project(project_id).datasets:
        await adopt(gateway, project_id, dataset_id, caller, "")
    gateway.authorizer.require_dataset(caller, project_id, dataset_id, permission)
    return dict(answer)


def _checked(gateway: Gateway, name: str, body: dict[str, Any]) -> dict[str, Any]:
    """Give the fields of a request that are kept, in BigQuery's form; output-only ones are passed over."""
    fields = {field: body[field] for field in _CHANGEABLE if body.get(field) is not None}
    for field in _INT64:
        if field in fields:
            fields[field] = str(fields[field])
    if "access" in fields:
        fields["access"] = dataset_access.normalised(fields["access"], name, gateway.store)
    return fields


def _resource(gateway: Gateway, project_id: str, dataset_id: str, answer: dict[str, Any]) -> dict[str, Any]:
    record = gateway.authorizer.project(project_id).datasets[dataset_id]
    own = {
        "kind": "bigquery#dataset",
        "etag": _etag(record),
        "id": f"{project_id}:{dataset_id}",
        "selfLink": f"{gateway.base_url}{_path(project_id, dataset_id)}",
        "datasetReference": {"datasetId": dataset_id, "projectId": project_id},
        "creationTime": answer.get("creationTime", "0"),
        "lastModifiedTime": str(record.modified),
        "type": "DEFAULT",
        "maxTimeTravelHours": "168",
    }
    return own | record.fields


def _etag(record: DatasetRecord) -> str:
    text = json.dumps([record.fields, record.modified], sort_keys=True).encode()
    return base64.b64encode(hashlib.sha256(text).digest()[:16]).decode()


def _path(project_id: str, dataset_id: str) -> str:
    return DATASET.format(project_id=project_id, dataset_id=dataset_id)


def _now() -> int:
    return int(time.time() * 1000)
