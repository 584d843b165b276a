"""Load jobs whose data comes with the request: multipart and resumable uploads, streamed on as they come.

Source: https://cloud.google.com/bigquery/docs/reference/api-uploads
"""

from __future__ import annotations

import json
from email.message import Message
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from local.google import errors
from local.google.bigquery.datasets import enter
from local.google.bigquery.jobs import locations
from local.google.bigquery.jobs.seen import Seen, note_job
from local.google.bigquery.jobs.starting import authorise_job
from local.google.iam.accounts import json_body

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from local.google.context import Gateway
    from local.google.iam.authorize import Caller

_PATH = "/upload/bigquery/v2/projects/{project_id}/jobs"
_MAX_JOB_BYTES = 1_048_576  # of the JSON that comes before the data

router = APIRouter()


@router.post(_PATH)
async def start_upload(request: Request, project_id: str) -> Response:
    """Start a resumable upload, or take a whole multipart one."""
    gateway, caller = await enter(request, project_id)
    kind = request.query_params.get("uploadType")
    if kind == "resumable":
        return await _resumable(gateway, caller, request, project_id)
    if kind == "multipart":
        return await _multipart(gateway, caller, request, project_id)
    raise errors.invalid("uploadType must be resumable or multipart.")


@router.put(_PATH)
async def upload_chunk(request: Request, project_id: str) -> Response:
    """Take a chunk of an upload that the same caller started."""
    gateway, caller = await enter(request, project_id)
    seen = gateway.jobs.get(_session(request.query_params.get("upload_id", "")))
    if seen is None or seen.email != caller.email:
        raise errors.not_found("Not found: no upload of this id was started by this caller.")
    answer = await gateway.backend.stream(request, caller)
    return await _signed(gateway, caller, project_id, seen.location, answer)


async def _resumable(gateway: Gateway, caller: Caller, request: Request, project_id: str) -> Response:
    body = await json_body(request)
    location = _authorised_location(gateway, caller, project_id, body)
    answer = await gateway.backend.stream(request, caller, await request.body())
    upload_id = answer.headers.get("x-guploader-uploadid")
    if upload_id:
        gateway.jobs.add(_session(upload_id), Seen(caller.email, location))
    return answer


async def _multipart(gateway: Gateway, caller: Caller, request: Request, project_id: str) -> Response:
    header = Message()
    header["content-type"] = request.headers.get("content-type", "")
    boundary = str(header.get_param("boundary", "")).encode()
    stream = request.stream()
    head = bytearray()
    async for chunk in stream:
        head += chunk
        # The first boundary opens the JSON part, the second one closes it.
        if head.count(b"--" + boundary) >= 2:
            break
        if len(head) > _MAX_JOB_BYTES:
            raise errors.invalid("The job's configuration is too big.")
    location = _authorised_location(gateway, caller, project_id, _first_part(bytes(head), boundary))
    answer = await gateway.backend.stream(request, caller, _rejoined(bytes(head), stream))
    return await _signed(gateway, caller, project_id, location, answer)


async def _rejoined(head: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield head
    async for chunk in rest:
        yield chunk


def _first_part(head: bytes, boundary: bytes) -> dict[str, Any]:
    parts = head.split(b"--" + boundary) if boundary else []
    try:
        value = json.loads(parts[1].partition(b"\r\n\r\n")[2])
    except (IndexError, ValueError) as error:
        raise errors.invalid("The multipart upload does not start with a job's JSON.") from error
    if not isinstance(value, dict):
        raise errors.invalid("The multipart upload does not start with a job's JSON.")
    return value


def _authorised_location(gateway: Gateway, caller: Caller, project_id: str, job: dict[str, Any]) -> str:
    configuration = job.get("configuration") or {}
    if not configuration.get("load"):
        raise errors.invalid("An upload needs a load job.")
    access = authorise_job(gateway, caller, project_id, configuration)
    location = str((job.get("jobReference") or {}).get("location") or "")
    locations.require(gateway, access, location)
    return location


async def _signed(
    gateway: Gateway, caller: Caller, project_id: str, location: str, answer: Response
) -> Response:
    """Put owner and location into an answer that is a finished job; others pass as they are."""
    if answer.status_code != 200:
        return answer
    content = b"".join([bytes(chunk) async for chunk in answer.body_iterator])  # type: ignore[attr-defined]
    if answer.background is not None:
        await answer.background()
    job = json.loads(content)
    note_job(gateway, project_id, job, Seen(caller.email, location))
    return Response(json.dumps(job), 200, media_type="application/json")


def _session(upload_id: str) -> str:
    return f"upload/{upload_id}"
