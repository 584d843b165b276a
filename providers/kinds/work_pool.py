"""Work pools: where runs wait for workers, and how those run them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

import pulumi
from pulumi import Input, Output

from providers.api.errors import NameTakenError
from providers.catalog.job_templates import WORKERS, committed
from providers.checks.inputs import name_problems
from providers.kinds import marks
from providers.kinds.kind import CONFLICT, MISSING, Connect, Found, Kind, Properties, only
from providers.kinds.resource import PrefectResource
from providers.values import UNKNOWN, canonical

if TYPE_CHECKING:
    from providers.api.http import Requests

TOLD = ("name", "type", "description", "base_job_template", "concurrency_limit")
WRITTEN = ("description", "base_job_template", "concurrency_limit")


class WorkPools(Kind):
    """Prefect's work pools. A pool's type can't change, and no two pools share a name."""

    title = "work pool"
    marked = True
    schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "required": ["name", "type"],
        "properties": {
            "name": {"type": "string"},
            "type": {"type": "string"},
            "base_job_template": {
                "type": "object",
                "required": ["job_configuration", "variables"],
                "properties": {"job_configuration": {"type": "object"}, "variables": {"type": "object"}},
            },
            "concurrency_limit": {"type": "integer", "minimum": 0},
            "description": {"type": "string"},
            "paused": {"type": "boolean"},
            "manage_state": {"type": "boolean"},
        },
    }
    defaults: ClassVar[Mapping[str, Any]] = {"paused": False, "manage_state": False}
    replaces = ("name", "type")
    states = ("paused",)

    def complete(self, _connect: Connect, inputs: Properties) -> Properties:
        """Add the template of Prefect's own worker where the program gives none; workers would later."""
        known = "base_job_template" in inputs or inputs.get("type") not in WORKERS
        return inputs if known else inputs | {"base_job_template": committed(inputs["type"])}

    def problems(self, inputs: Properties) -> list[str]:
        """List bad and reserved names, and a template that is missing."""
        name = inputs["name"]
        found = name_problems("name", name)
        if name != UNKNOWN and str(name).lower().startswith("prefect"):
            found.append(f"name: {name!r}: Prefect keeps names that begin with 'prefect' for itself")
        if "base_job_template" not in inputs and inputs["type"] != UNKNOWN:
            found.append(
                f"base_job_template: is missing; only of {', '.join(WORKERS)} there is one here, not of "
                f"{inputs['type']!r}: `prefect work-pool get-default-base-job-template --type "
                f"{inputs['type']}` prints it"
            )
        return found

    def find(self, http: Requests, inputs: Properties) -> Found | None:
        """Look it up by its name. Raises NameTakenError for one of another type, which nothing can change."""
        response = http.send("GET", _path(inputs["name"]), accept=MISSING)
        if response.status_code == 404:
            return None
        found = _found(response.json())
        if inputs["type"] not in {found.properties["type"], UNKNOWN}:
            raise NameTakenError(_other_type(found.properties, inputs["type"], http.server.api_url))
        return found

    def read(self, http: Requests, object_id: str, inputs: Properties) -> Found | None:  # noqa: ARG002
        """Read it by its id, so that another pool of the same name is not taken for it."""
        body = {"work_pools": {"id": {"any_": [object_id]}}}
        pools = http.send("POST", "/work_pools/filter", json=body).json()
        return _found(pools[0]) if pools else None

    def create(self, http: Requests, inputs: Properties) -> Found | None:
        """Create it; a name that is taken by now, if only by a request whose answer was lost, gives None."""
        body = {**only(inputs, *TOLD), **_template(inputs), "is_paused": inputs.get("paused", False)}
        response = http.send("POST", "/work_pools/", json=body, accept=CONFLICT)
        return None if response.status_code == 409 else _found(response.json())

    def update(self, http: Requests, object_id: str, olds: Properties, news: Properties) -> None:
        """Write all but name and type; whether it is paused only where that is the program's."""
        found = self.read(http, object_id, news)
        if found is None:
            raise self.gone(news, http.server.api_url)
        body = only(news, *WRITTEN) | _template(news)
        if self.to_write(olds, news):
            body["is_paused"] = news["paused"]
        response = http.send("PATCH", _path(found.properties["name"]), json=body, accept=MISSING)
        if response.status_code == 404:
            raise self.gone(news, http.server.api_url)

    def delete(self, http: Requests, object_id: str, inputs: Properties) -> None:
        """Delete it with its queues; deployments that name it stay, without a pool."""
        found = self.read(http, object_id, inputs)
        if found is not None:
            http.send("DELETE", _path(found.properties["name"]), accept=MISSING)

    def means(self, name: str, given: Any, actual: Any) -> bool:
        """Compare; a limit of 0 lets nothing run, and no limit everything."""
        if name == "concurrency_limit":
            return canonical(given) == canonical(actual)
        return super().means(name, given, actual)


def _other_type(there: Properties, wanted: str, api_url: str) -> str:
    name = there["name"]
    return (
        f"Prefect at {api_url} already has work pool {name!r}, of type {there['type']!r}, which can't become "
        f"{wanted!r}: delete that pool (`prefect work-pool delete {name}`) or give this one another name"
    )


def _path(name: str) -> str:
    return f"/work_pools/{quote(name, safe='')}"


def _found(body: Properties) -> Found:
    template = body["base_job_template"]
    variables, owner = marks.unmarked_schema(template.get("variables"))
    if owner:
        template = {**template, "variables": variables}
    properties = {**only(body, *TOLD), "base_job_template": template, "paused": body["is_paused"]}
    return Found(body["id"], properties, owner)


def _template(inputs: Properties) -> Properties:
    template = inputs["base_job_template"]
    variables = marks.marked_schema(template["variables"], inputs.get("owner"))
    return {"base_job_template": {**template, "variables": variables}}


class WorkPool(PrefectResource, module="prefect", name="WorkPool"):
    """A work pool of Prefect.

    Args:
        resource_name: the resource's name in Pulumi.
        name: the pool's name in Prefect. Changing it replaces the pool.
        type: the workers' type, such as `process` or `kubernetes`. Changing it replaces the pool.
        base_job_template: what workers make jobs of: `job_configuration` and `variables`, such as
            `providers.catalog.job_templates.filled(type, …)`. That of Prefect's own worker where it is left
            out.
        concurrency_limit: how many runs may run at the same time; None for any number.
        description: shown in Prefect's page.
        paused: whether no run is handed out. Afterwards people's own, unless `manage_state`.
        manage_state: let the program alone say whether the pool is paused.
        adopt: take over a pool of this name that exists. Without it, such a pool is an error.
        opts: as for every resource.
    """

    name: Output[str]
    type: Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        name: Input[str],
        type: Input[str],  # noqa: A002  Prefect's own word
        base_job_template: Input[Mapping[str, Input[Any]]] | None = None,
        concurrency_limit: Input[int] | None = None,
        description: Input[str] | None = None,
        paused: Input[bool] = False,
        manage_state: Input[bool] = False,
        adopt: Input[bool] = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        properties = {
            "name": name,
            "type": type,
            "base_job_template": base_job_template,
            "concurrency_limit": concurrency_limit,
            "description": description,
            "paused": paused,
            "manage_state": manage_state,
            "adopt": adopt,
        }
        super().__init__("work-pool", resource_name, properties, opts)


KIND = WorkPools()
