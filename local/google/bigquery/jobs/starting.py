"""Jobs as they begin: each is checked for what it reads and changes, then run by the emulator.

Source: https://cloud.google.com/bigquery/docs/reference/rest/v2/jobs
"""

from __future__ import annotations

import copy
import json
import re
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from local.google import errors
from local.google.bigquery import backend, partitions, queries, tables_known
from local.google.bigquery.datasets import enter
from local.google.bigquery.jobs import bytes_billed, locations, running
from local.google.bigquery.jobs.seen import Seen, note_job, remember
from local.google.bigquery.views import dataset_views
from local.google.iam.accounts import json_body
from local.google.sign_in import scopes
from local.google.sql.access import CREATE, GET_DATA, UPDATE_DATA, SqlAccess
from local.google.sql.rewrite import rewrite

if TYPE_CHECKING:
    from local.google.context import Gateway
    from local.google.iam.authorize import Caller
    from local.google.sql.rewrite import Rewritten
    from local.google.sql.rewrite.actions import Action

_PROJECT = "/bigquery/v2/projects/{project_id}"
_JOB_ID = re.compile(rb'"jobId"\s*:\s*"([^"]+)"')

router = APIRouter()


@router.post(_PROJECT + "/jobs")
async def insert_job(request: Request, project_id: str) -> Response:
    """Run a load, copy or extract job to its end; begin a query, and give it a second to end.

    A query that would cost more than it may is a job that has failed.
    """
    gateway, caller = await enter(request, project_id)
    body = await json_body(request)
    configuration = body.get("configuration") or {}
    access = authorise_job(gateway, caller, project_id, configuration)
    given = (body.get("jobReference") or {}).get("jobId")
    if given and gateway.jobs.get(f"{project_id}/{given}") is not None:
        raise errors.already_exists(f"Already Exists: Job {project_id}:{given}")
    location = _seen(caller, body).location
    locations.require(gateway, access, location)
    await locations.require_tables(gateway, caller, access, location)
    if not configuration.get("query") or configuration.get("dryRun"):
        status, answer = await _run_job(gateway, caller, project_id, body, access)
        return JSONResponse(answer, status)
    reference = {"projectId": project_id, "jobId": f"job_{uuid4().hex}"} | (body.get("jobReference") or {})
    body["jobReference"] = reference
    resource = {
        "id": f"{project_id}:{reference['jobId']}",
        "jobReference": reference,
        "configuration": copy.deepcopy(configuration),
        "user_email": caller.email,
    }
    key = f"{project_id}/{reference['jobId']}"
    refusal = await bytes_billed.too_costly(gateway, caller, configuration["query"], access)
    if refusal:
        job = gateway.running.refuse(key, resource, refusal)
    else:
        work = _run_job(gateway, caller, project_id, body, access)
        job = gateway.running.start(key, resource, work, running.seconds_of(configuration))
    remember(gateway, project_id, reference["jobId"], _seen(caller, body))
    status, answer = await job.outcome(running.PATIENCE) or (200, job.resource())
    return JSONResponse(answer, status)


async def _run_job(
    gateway: Gateway, caller: Caller, project_id: str, body: dict[str, Any], access: SqlAccess
) -> tuple[int, Any]:
    """Let the emulator run a job to its end, and note what it has changed."""
    configuration = body.get("configuration") or {}
    copied = configuration.get("copy") if partitions.is_partial(configuration) else None
    if copied:
        moved = await partitions.as_query(gateway, caller, project_id, copied)
        body = body | {"configuration": {"query": moved}}
        configuration = body["configuration"]
    query = configuration.get("query")
    sql = str(query.get("query", "")) if query else ""
    actions: list[Action] = []
    if query:
        found = await _rewritten(gateway, caller, project_id, query, _seen(caller, body).location)
        query["query"], actions = found.sql, found.actions
    async with gateway.writers.write(access.writes() if not configuration.get("dryRun") else ()):
        status, answer = await gateway.backend.call(
            "POST", f"/bigquery/v2/projects/{project_id}/jobs", caller, body=body
        )
        if status < 400:
            note_job(gateway, project_id, answer, _seen(caller, body))
            for failed in _failures(answer):
                said = str(failed.get("message", ""))
                failed["message"] = locations.said(gateway, access, _seen(caller, body).location, said)
            if query:
                answer.get("configuration", {}).get("query", {})["query"] = sql
            if copied:
                answer["configuration"] = {"jobType": "COPY", "copy": copied}
            if not configuration.get("dryRun") and not answer.get("status", {}).get("errorResult"):
                await queries.note_effects(gateway, caller, access)
                await tables_known.do(gateway, caller, _performed(actions, answer), access.dropped)
    return status, answer


@router.post(_PROJECT + "/queries")
async def query_now(request: Request, project_id: str) -> Response:
    """Run a query and give its first rows. A query that fails answers with its error, as in BigQuery.

    One that is not done within ``timeoutMs`` goes on; its caller gets the job to ask for.
    """
    gateway, caller = await enter(request, project_id)
    body = await json_body(request)
    access = authorise_job(gateway, caller, project_id, {"query": body})
    location = str(body.get("location") or "")
    locations.require(gateway, access, location)
    await locations.require_tables(gateway, caller, access, location)
    if access.changes():
        scopes.require_writing(caller)
    refusal = await bytes_billed.too_costly(gateway, caller, body, access)
    if refusal and not body.get("dryRun"):
        raise refusal
    location = str(body.get("location") or "")
    reference = {"projectId": project_id, "jobId": f"job_{uuid4().hex}", "location": location or "US"}
    resource = {
        "id": f"{project_id}:{reference['jobId']}",
        "jobReference": reference,
        "configuration": {"query": {"query": body.get("query")}},
        "user_email": caller.email,
    }
    seen = Seen(caller.email, location, body.get("labels") or {})
    remember(gateway, project_id, reference["jobId"], seen)
    key = f"{project_id}/{reference['jobId']}"
    work = _rows_of(gateway, caller, project_id, body, access, seen, key)
    job = gateway.running.start(key, resource, work, running.seconds_of(body))
    outcome = await job.outcome(float(body.get("timeoutMs") or running.WAIT_MS) / 1000)
    if job.error:
        raise job.error
    if outcome is None:
        return JSONResponse(
            {"kind": "bigquery#queryResponse", "jobReference": reference, "jobComplete": False}
        )
    status, content = outcome
    return Response(content, status, media_type="application/json")


async def _rows_of(
    gateway: Gateway,
    caller: Caller,
    project_id: str,
    body: dict[str, Any],
    access: SqlAccess,
    seen: Seen,
    key: str,
) -> tuple[int, bytes]:
    """Let the emulator run a query to its end; give its answer as it is. Raises the query's own error."""
    found = await _rewritten(gateway, caller, project_id, body, seen.location)
    sent = body | {"query": found.sql}
    async with gateway.writers.write(access.writes() if not body.get("dryRun") else ()):
        status, content = await gateway.backend.post(
            f"/bigquery/v2/projects/{project_id}/queries", caller, json.dumps(sent).encode()
        )
        if status < 400 and b'"errors":[' in content:
            failed = json.loads(content).get("errors")
            if failed:
                said = str(failed[0].get("message", ""))
                where = locations.said(gateway, access, seen.location, said)
                raise backend.query_error(failed[0] | {"message": where})
        if status < 400:
            job = _JOB_ID.search(content, 0, 1000)
            if job is not None:
                remember(gateway, project_id, job[1].decode(), seen)
                gateway.running.emulators_ids[key] = job[1].decode()
            if not body.get("dryRun"):
                await queries.note_effects(gateway, caller, access)
                await tables_known.do(gateway, caller, _performed(found.actions, {}), access.dropped)
    return status, content


def authorise_job(
    gateway: Gateway, caller: Caller, project_id: str, configuration: dict[str, Any]
) -> SqlAccess:
    """Give what a job does, where the caller may start it. Raises Google's 403."""
    gateway.authorizer.require_project(caller, project_id, "bigquery.jobs.create")
    if configuration.get("query"):
        return queries.authorise_query(gateway, caller, project_id, configuration["query"])
    access = SqlAccess()
    for kind in ("load", "copy"):
        destination = (configuration.get(kind) or {}).get("destinationTable")
        if destination:
            table = partitions.whole(queries.table_of(destination, project_id))
            access.tables |= {(table, permission) for permission in (CREATE, UPDATE_DATA)}
    for kind in ("copy", "extract"):
        settings = configuration.get(kind) or {}
        sources = [*settings.get("sourceTables", []), *filter(None, [settings.get("sourceTable")])]
        access.tables |= {
            (partitions.whole(queries.table_of(source, project_id)), GET_DATA) for source in sources
        }
    queries.check(gateway, caller, access)
    return access


def _seen(caller: Caller, body: dict[str, Any]) -> Seen:
    location = str((body.get("jobReference") or {}).get("location") or "")
    return Seen(caller.email, location, (body.get("configuration") or {}).get("labels") or {})


def _failures(job: dict[str, Any]) -> list[dict[str, Any]]:
    status = job.get("status", {})
    return [one for one in (status.get("errorResult"), *status.get("errors", ())) if one]


def _performed(actions: list[Action], answer: dict[str, Any]) -> list[Action]:
    """Give what is to be done: IF NOT EXISTS has changed nothing where the table was there."""
    done = answer.get("statistics", {}).get("query", {}).get("ddlOperationPerformed")
    return [] if done == "SKIP" else actions


async def _rewritten(
    gateway: Gateway, caller: Caller, project_id: str, query: dict[str, Any], location: str
) -> Rewritten:
    """Give what the emulator runs in a query's place, and what is done here once it has."""
    default = queries.default_dataset(query, project_id)
    sql = await dataset_views.rewrite(
        gateway, caller, str(query.get("query", "")), project_id, default[1] if default else None
    )
    return rewrite(sql, project_id, default, location)
