"""Deployments: a flow, where its code is, the work pool that runs it, and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

import pulumi
from pulumi import Input, Output

from providers.api.errors import RejectedError
from providers.checks.inputs import name_problems
from providers.kinds import marks, schedules
from providers.kinds.kind import MISSING, Found, Kind, Properties, only
from providers.kinds.resource import PrefectResource
from providers.kinds.work_pool import WorkPool
from providers.values import UNKNOWN, pack, precise

if TYPE_CHECKING:
    import httpx

    from providers.api.http import Requests

TEXTS = (
    "entrypoint",
    "path",
    "work_pool_name",
    "work_queue_name",
    "description",
    "version",
    "storage_document_id",
)
OBJECTS = ("parameters", "parameter_openapi_schema", "job_variables")
NO_PARAMETERS: dict[str, Any] = {"type": "object", "properties": {}}
TOLD = (*TEXTS, *OBJECTS, "name", "tags", "pull_steps", "enforce_parameter_schema", "paused")


class Deployments(Kind):
    """Prefect's deployments. A flow's name and a deployment's make one."""

    title = "deployment"
    marked = True
    names_are_unique = False
    schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "required": ["name", "flow_name"],
        "properties": {
            **{name: {"type": "string"} for name in ("name", "flow_name", "work_pool_id", *TEXTS)},
            **{name: {"type": "object"} for name in OBJECTS},
            "tags": {"type": "array", "items": {"type": "string"}},
            "pull_steps": {"type": "array", "items": {"type": "object"}},
            "enforce_parameter_schema": {"type": "boolean"},
            "paused": {"type": "boolean"},
            "manage_schedule_state": {"type": "boolean"},
            "concurrency_limit": {"type": "integer", "minimum": 1},
            "global_concurrency_limit_id": {"type": "string"},
            "collision_strategy": {"enum": ["ENQUEUE", "CANCEL_NEW"]},
            "grace_period_seconds": {"type": "integer", "minimum": 60, "maximum": 86_400},
            "schedules": schedules.SCHEMA,
        },
    }
    defaults: ClassVar[Mapping[str, Any]] = {
        "parameters": {},
        "parameter_openapi_schema": NO_PARAMETERS,
        "enforce_parameter_schema": True,
        "job_variables": {},
        "tags": [],
        "schedules": {},
        "paused": False,
        "manage_schedule_state": False,
    }
    replaces = ("name", "flow_name")
    unique = ("name", "flow_name")
    states = ("paused",)
    manages = "manage_schedule_state"

    def label(self, inputs: Properties) -> str:
        """`deployment 'pipeline/nightly'`, as `prefect deployment run` calls it."""
        return f"deployment '{inputs.get('flow_name')}/{inputs.get('name')}'"

    def problems(self, inputs: Properties) -> list[str]:
        """List bad names and schedules, and what only makes sense together."""
        found = [*name_problems("name", inputs["name"]), *name_problems("flow_name", inputs["flow_name"])]
        if {"concurrency_limit", "global_concurrency_limit_id"} <= inputs.keys():
            found.append("global_concurrency_limit_id: says the limit, and so does concurrency_limit")
        if not {"concurrency_limit", "global_concurrency_limit_id"} & inputs.keys():
            said = [name for name in ("collision_strategy", "grace_period_seconds") if name in inputs]
            found += [f"{name}: is about the concurrency_limit, which is missing" for name in said]
        if "work_queue_name" in inputs and "work_pool_name" not in inputs:
            # Prefect would make up a pool for it, `default-agent-pool`, of which no worker asks.
            found.append("work_queue_name: is a queue of the work_pool, which is missing")
        if inputs["schedules"] != UNKNOWN:
            found += schedules.problems(inputs["schedules"])
        return found

    def find(self, http: Requests, inputs: Properties) -> Found | None:
        """Look it up by its flow's name and its own."""
        return _found(self._lookup(http, inputs), inputs)

    def read(self, http: Requests, object_id: str, inputs: Properties) -> Found | None:
        """Read it by its id, with the schedules that the program declares."""
        return _found(http.send("GET", f"/deployments/{object_id}", accept=MISSING), inputs)

    def create(self, http: Requests, inputs: Properties) -> Found | None:
        """Create it, and the flow where Prefect has not seen it yet.

        Prefect takes a second deployment of the name as a change of the first, so a request whose answer
        was lost is safe to send again.
        """
        self._pool(http, inputs)
        flow = http.send("POST", "/flows/", json={"name": inputs["flow_name"]}).json()
        body = {
            **_body(inputs),
            "name": inputs["name"],
            "flow_id": flow["id"],
            **_limits({}, inputs, {}),
            "concurrency_options": _options({}, inputs, {}),
            "paused": inputs["paused"],
            "schedules": schedules.bodies(inputs["schedules"]),
        }
        found = _found(http.send("POST", "/deployments/", json=body), inputs)
        if found and any("max_scheduled_runs" in one for one in inputs["schedules"].values()):
            # Which this one request does not keep.
            schedules.write(http, found.id, {}, inputs["schedules"], managed=True)
            return self.read(http, found.id, inputs)
        return found

    def update(self, http: Requests, object_id: str, olds: Properties, news: Properties) -> None:
        """Write all of it, then the schedules that differ; who paused what stays where that is people's."""
        self._pool(http, news)
        found = http.send("GET", f"/deployments/{object_id}", accept=MISSING)
        if found.status_code == 404:
            raise self.gone(news, http.server.api_url)
        own = found.json().get("global_concurrency_limit") and not _is_under_another_s(found.json())
        if own and "global_concurrency_limit_id" in news:
            # Else Prefect keeps the one for it alone, and can't make it a second time.
            http.send("PATCH", f"/deployments/{object_id}", json={"concurrency_limit": None}, accept=MISSING)
        # Prefect takes these as a whole.
        body = {
            **_body(news),
            **_limits(olds, news, found.json()),
            "concurrency_options": _options(olds, news, found.json()),
        }
        if self.to_write(olds, news):
            body["paused"] = news["paused"]
        response = http.send("PATCH", f"/deployments/{object_id}", json=body, accept=MISSING)
        if response.status_code == 404:
            raise self.gone(news, http.server.api_url)
        managed = bool(news[self.manages])
        schedules.write(http, object_id, olds.get("schedules") or {}, news["schedules"], managed=managed)

    def takes(self, http: Requests, found: Found, inputs: Properties) -> list[str]:
        """Say which of its schedules become the program's, and which go on making runs beside."""
        if inputs["schedules"] == UNKNOWN:
            return []
        return schedules.to_take_over(http, found.id, inputs["schedules"])

    def take_over(self, http: Requests, object_id: str, inputs: Properties) -> None:
        """Make it as the program says; its schedules become the program's, so that no run comes twice."""
        schedules.take_over(http, object_id, inputs["schedules"])
        super().take_over(http, object_id, inputs)

    def delete(self, http: Requests, object_id: str, inputs: Properties) -> None:  # noqa: ARG002
        """Delete it with its schedules and the runs that wait; the flow stays, with the runs it has had.

        A global concurrency limit that it is under stays too: Prefect would delete that along with it.
        """
        found = http.send("GET", f"/deployments/{object_id}", accept=MISSING)
        if found.status_code != 404 and _is_under_another_s(found.json()):
            unlinked = {"global_concurrency_limit_id": None}
            http.send("PATCH", f"/deployments/{object_id}", json=unlinked, accept=MISSING)
        http.send("DELETE", f"/deployments/{object_id}", accept=MISSING)

    def as_given(self, given: Properties, actual: Properties) -> Properties:
        """Return what is there; whether a schedule is active counts only where the program manages that."""
        declared = given.get("schedules") or {}
        settled = schedules.as_given(declared, actual["schedules"], managed=bool(given.get(self.manages)))
        return super().as_given(given, {**actual, "schedules": settled})

    def means(self, name: str, given: Any, actual: Any) -> bool:
        """Compare parameters as they are: `""`, `0` and null are different values."""
        if name in {"parameters", "job_variables"}:
            return precise(given or {}) == precise(actual or {})
        if name == "pull_steps":
            return precise(given or []) == precise(actual or [])
        if name == "parameter_openapi_schema":
            # Prefect fills in an empty one.
            return super().means(name, given or NO_PARAMETERS, actual or NO_PARAMETERS)
        if name == "collision_strategy":
            return (given or "ENQUEUE") == (actual or "ENQUEUE")
        return super().means(name, given, actual)

    def _lookup(self, http: Requests, inputs: Properties) -> httpx.Response:
        flow, name = quote(inputs["flow_name"], safe=""), quote(inputs["name"], safe="")
        return http.send("GET", f"/deployments/name/{flow}/{name}", accept=MISSING)

    def _pool(self, http: Requests, inputs: Properties) -> None:
        """Raise RejectedError where the work pool does not exist, which Prefect answers with a 500."""
        name = inputs.get("work_pool_name")
        if name is None:
            return
        response = http.send("GET", f"/work_pools/{quote(name, safe='')}", accept=MISSING)
        if response.status_code == 404:
            raise RejectedError(
                f"{self.label(inputs)}: Prefect at {http.server.api_url} has no work pool {name!r}. Hand in "
                "the program's own WorkPool, or create one of that name"
            )


def _body(inputs: Properties) -> Properties:
    body = only(inputs, *TEXTS, *OBJECTS, "tags", "pull_steps", "enforce_parameter_schema")
    # Not among its tags, which are those of its runs too.
    schema = marks.marked_schema(inputs["parameter_openapi_schema"], inputs.get("owner"))
    return body | {"parameter_openapi_schema": schema}


def _is_under_another_s(found: Properties) -> bool:
    """Tell whether its limit is a global one of its own name, not the one that Prefect keeps for it alone."""
    limit = found.get("global_concurrency_limit")
    return limit is not None and limit["name"] != f"deployment:{found['id']}"


def _limits(olds: Properties, news: Properties, found: Properties) -> Properties:
    """Return what to write of limits, and no more.

    Prefect writes `concurrency_limit` into whatever global limit the deployment is under, and for null
    deletes that one (tried with 3.9.1): so another's is let go of, and left alone where nothing is said.
    """
    limit_id, limit = news.get("global_concurrency_limit_id"), news.get("concurrency_limit")
    others = _is_under_another_s(found)
    if limit_id is not None:
        return {"global_concurrency_limit_id": limit_id}
    if limit is not None:
        return {"concurrency_limit": limit, **({"global_concurrency_limit_id": None} if others else {})}
    if others:
        return {"global_concurrency_limit_id": None} if "global_concurrency_limit_id" in olds else {}
    return {"concurrency_limit": None} if found.get("global_concurrency_limit") else {}


def _options(olds: Properties, news: Properties, found: Properties) -> Properties | None:
    """Return what happens at the limit; the time of grace is other people's where the program is silent."""
    there = found.get("concurrency_options") or {}
    theirs = None if "grace_period_seconds" in olds else there.get("grace_period_seconds")
    grace = news.get("grace_period_seconds", theirs)
    strategy = news.get("collision_strategy")
    if strategy is None and grace is None:
        return None
    return {"collision_strategy": strategy or "ENQUEUE", "grace_period_seconds": grace}


def _found(response: httpx.Response, inputs: Properties) -> Found | None:
    if response.status_code == 404:
        return None
    body = response.json()
    limit, options = body.get("global_concurrency_limit") or {}, body.get("concurrency_options") or {}
    others = _is_under_another_s(body)
    parameters, owner = marks.unmarked_schema(body["parameter_openapi_schema"])
    properties = {
        **only(body, *TOLD),
        "parameter_openapi_schema": parameters,
        "concurrency_limit": None if others else limit.get("limit"),
        "global_concurrency_limit_id": limit.get("id") if others else None,
        "collision_strategy": options.get("collision_strategy"),
        "grace_period_seconds": options.get("grace_period_seconds"),
        "schedules": schedules.declared(body["schedules"], inputs.get("schedules") or {}),
    }
    # Prefect tells the pool's default queue, and what people have set that the program leaves to them.
    for name in ("work_queue_name", "grace_period_seconds", "global_concurrency_limit_id"):
        if inputs.get(name) is None:
            del properties[name]
    return Found(body["id"], properties, owner)


class Deployment(PrefectResource, module="prefect", name="Deployment"):
    """A deployment of a flow.

    Args:
        resource_name: the resource's name in Pulumi.
        name: the deployment's name in Prefect. Changing it replaces the deployment.
        flow_name: the flow's name. Changing it replaces the deployment.
        entrypoint: where the flow is in the code, such as `flows/pipeline.py:my_flow`.
        path: the code's directory, for storage that Prefect itself reads.
        storage_document_id: the id of a block that holds the code, for deployments without pull steps.
        pull_steps: what a worker does to have the code, before each run.
        work_pool: the pool that runs it, or the name of one that exists.
        work_queue_name: a queue of that pool other than its default one.
        parameters: the flow's arguments.
        parameter_openapi_schema: the arguments' JSON Schema, by which runs are checked.
        enforce_parameter_schema: refuse runs whose arguments do not fit it.
        job_variables: values for the pool's base job template.
        schedules: name to one of `{"cron": "0 2 * * *"}`, `{"interval": seconds}` and `{"rrule": text}`, with
            `timezone` (UTC without it) and `active` (true without it); a cron line with `day_or`, an interval
            with `anchor_date`, each with `parameters` and `max_scheduled_runs`. What of these is left out is
            people's own.
        manage_schedule_state: let the program alone say which schedules are active, and whether the
            deployment is paused. Without it, what was paused in Prefect's page stays so.
        paused: whether no schedule makes runs; people's own afterwards, as above.
        tags: shown in Prefect's page.
        description: shown in Prefect's page.
        version: any text.
        concurrency_limit: how many of its runs may run at the same time; None for any number.
        global_concurrency_limit_id: the id of a limit that its runs are under together with others, instead.
        collision_strategy: what happens to a run beyond that: `ENQUEUE` (waits) or `CANCEL_NEW`.
        grace_period_seconds: how long a run may take to start before its place is given away, 60 to 86400;
            people's own where it is left out.
        adopt: take over a deployment of this name that exists. Without it, such a deployment is an error.
        opts: as for every resource.
    """

    name: Output[str]
    flow_name: Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        name: Input[str],
        flow_name: Input[str],
        entrypoint: Input[str] | None = None,
        path: Input[str] | None = None,
        storage_document_id: Input[str] | None = None,
        pull_steps: Input[Sequence[Input[Mapping[str, Input[Any]]]]] | None = None,
        work_pool: WorkPool | Input[str] | None = None,
        work_queue_name: Input[str] | None = None,
        parameters: Input[Mapping[str, Input[Any]]] | None = None,
        parameter_openapi_schema: Input[Mapping[str, Input[Any]]] | None = None,
        enforce_parameter_schema: Input[bool] = True,
        job_variables: Input[Mapping[str, Input[Any]]] | None = None,
        schedules: Input[Mapping[str, Input[Mapping[str, Input[Any]]]]] | None = None,
        manage_schedule_state: Input[bool] = False,
        paused: Input[bool] = False,
        tags: Input[Sequence[Input[str]]] | None = None,
        description: Input[str] | None = None,
        version: Input[str] | None = None,
        concurrency_limit: Input[int] | None = None,
        global_concurrency_limit_id: Input[str] | None = None,
        collision_strategy: Input[str] | None = None,
        grace_period_seconds: Input[int] | None = None,
        adopt: Input[bool] = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        properties = {
            "name": name,
            "flow_name": flow_name,
            "entrypoint": entrypoint,
            "path": path,
            "pull_steps": pack(pull_steps),
            "storage_document_id": storage_document_id,
            "work_pool_name": work_pool.name if isinstance(work_pool, WorkPool) else work_pool,
            # A pool that is replaced may keep its name: its id tells that the deployment has to be joined
            # to it anew.
            "work_pool_id": work_pool.id if isinstance(work_pool, WorkPool) else None,
            "work_queue_name": work_queue_name,
            "parameters": pack(parameters),
            "parameter_openapi_schema": parameter_openapi_schema,
            "enforce_parameter_schema": enforce_parameter_schema,
            "job_variables": pack(job_variables),
            "schedules": pack(schedules),
            "manage_schedule_state": manage_schedule_state,
            "paused": paused,
            "tags": tags,
            "description": description,
            "version": version,
            "concurrency_limit": concurrency_limit,
            "global_concurrency_limit_id": global_concurrency_limit_id,
            "collision_strategy": collision_strategy,
            "grace_period_seconds": grace_period_seconds,
            "adopt": adopt,
        }
        super().__init__("deployment", resource_name, properties, opts)


KIND = Deployments()
