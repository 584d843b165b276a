"""Jobs that were begun: each is shown to its owner and to admins, with its rows, and may be cancelled.

Source: https://cloud.google.com/bigquery/docs/reference/rest/v2/jobs
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from local.google import errors
from local.google.bigquery import backend
from local.google.bigquery.datasets import enter
from local.google.bigquery.jobs import running
from local.google.bigquery.jobs.seen import sign

if TYPE_CHECKING:
    from local.google.context import Gateway
    from local.google.iam.authorize import Caller

_PROJECT = "/bigquery/v2/projects/{project_id}"

router = APIRouter()


@router.get(_PROJECT + "/jobs")
async def list_jobs(request: Request, project_id: str) -> dict[str, Any]:
    """List the caller's jobs; with ``allUsers`` everybody's, for an admin.

    As in BigQuery, a dry run is no job, and there is none that nobody has started.
    """
    gateway, caller = await enter(request, project_id)
    parameters = dict(request.query_params)
    everybody = parameters.get("allUsers", "false").lower() == "true"
    if everybody:
        gateway.authorizer.require_project(caller, project_id, "bigquery.jobs.listAll")
    limit = int(parameters.pop("maxResults", 50))
    path = f"/bigquery/v2/projects/{project_id}/jobs"
    answer = await gateway.backend.get(path, caller, parameters | {"maxResults": "100000"})
    listed = []
    # A script has no jobs of its own here.
    running_ones = [] if "parentJobId" in parameters else gateway.running.of(project_id)
    for job in [*(job.resource() for job in running_ones), *answer.get("jobs", [])]:
        if backend.is_own(job) or job.get("configuration", {}).get("dryRun"):
            continue
        seen = gateway.jobs.get(f"{project_id}/{job['jobReference']['jobId']}")
        if everybody or (seen is not None and seen.email == caller.email):
            sign(job, seen)
            listed.append(job)
    state = parameters.get("stateFilter", "").upper()
    if state:
        listed = [job for job in listed if job.get("status", {}).get("state") == state]
    return {"kind": "bigquery#jobList", "jobs": listed[:limit]}


@router.get(_PROJECT + "/jobs/{job_id}")
async def get_job(request: Request, project_id: str, job_id: str) -> dict[str, Any]:
    """Give a job to its owner or an admin."""
    gateway, caller = await enter(request, project_id)
    _require_job(gateway, caller, project_id, job_id, "bigquery.jobs.get")
    job = gateway.running.get(f"{project_id}/{job_id}")
    if job is not None:
        return job.resource()
    known = gateway.running.emulators_ids.get(f"{project_id}/{job_id}", job_id)
    answer = await gateway.backend.get(f"/bigquery/v2/projects/{project_id}/jobs/{known}", caller)
    answer["jobReference"]["jobId"] = job_id
    sign(answer, gateway.jobs.get(f"{project_id}/{job_id}"))
    return dict(answer)


@router.get(_PROJECT + "/queries/{job_id}")
async def query_results(request: Request, project_id: str, job_id: str) -> Response:
    """Give rows of a query to its owner or an admin."""
    gateway, caller = await enter(request, project_id)
    _require_job(gateway, caller, project_id, job_id, "bigquery.jobs.get")
    job = gateway.running.get(f"{project_id}/{job_id}")
    if job is not None:
        await job.ended(float(request.query_params.get("timeoutMs", running.WAIT_MS)) / 1000)
        if job.failure:
            raise job.failure
        if not job.over:
            reference = job.resource()["jobReference"]
            return JSONResponse(
                {
                    "kind": "bigquery#getQueryResultsResponse",
                    "jobReference": reference,
                    "jobComplete": False,
                }
            )
    known = gateway.running.emulators_ids.get(f"{project_id}/{job_id}")
    if known is None:
        return await gateway.backend.stream(request, caller)
    path = f"/bigquery/v2/projects/{project_id}/queries/{known}"
    answer = await gateway.backend.get(path, caller, dict(request.query_params))
    answer["jobReference"]["jobId"] = job_id
    return JSONResponse(answer)


@router.post(_PROJECT + "/jobs/{job_id}/cancel")
async def cancel_job(request: Request, project_id: str, job_id: str) -> Response:
    """Cancel a job of one's own, or as an admin."""
    gateway, caller = await enter(request, project_id)
    _require_job(gateway, caller, project_id, job_id, "bigquery.jobs.update")
    job = gateway.running.get(f"{project_id}/{job_id}")
    if job is not None:
        job.cancel()
        return JSONResponse({"kind": "bigquery#jobCancelResponse", "job": job.resource()})
    return await gateway.backend.stream(request, caller)


@router.delete(_PROJECT + "/jobs/{job_id}/delete")
async def delete_job(request: Request, project_id: str) -> Response:
    """Delete a job's metadata, as an admin."""
    gateway, caller = await enter(request, project_id)
    gateway.authorizer.require_project(caller, project_id, "bigquery.jobs.delete")
    return await gateway.backend.stream(request, caller)


def _require_job(gateway: Gateway, caller: Caller, project_id: str, job_id: str, permission: str) -> None:
    seen = gateway.jobs.get(f"{project_id}/{job_id}")
    if gateway.authorizer.on_project(caller, project_id, permission):
        return
    if seen is None:
        raise errors.not_found(f"Not found: Job {project_id}:{job_id}")
    if seen.email != caller.email:
        raise errors.access_denied(
            f"Access Denied: Job {project_id}:{job_id}: User does not have {permission} permission for job "
            f"{project_id}:{job_id}. {caller.email} is not the job's owner and lacks the role "
            "roles/bigquery.admin."
        )
