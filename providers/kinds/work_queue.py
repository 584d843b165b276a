"""Work queues: lines in which the runs of one work pool wait, each with a priority and a limit of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

import pulumi
from pulumi import Input, Output

from providers.api.errors import RejectedError
from providers.checks.inputs import name_problems
from providers.kinds import marks
from providers.kinds.kind import MISSING, Found, Kind, Properties, only, post_once
from providers.kinds.resource import PrefectResource
from providers.kinds.work_pool import WorkPool
from providers.values import precise

if TYPE_CHECKING:
    import httpx

    from providers.api.http import Requests

TOLD = ("name", "work_pool_name", "concurrency_limit", "priority")


class WorkQueues(Kind):
    """Prefect's work queues. No two queues of a pool share a name; a pool's own queue is called `default`."""

    title = "work queue"
    marked = True
    schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "required": ["name", "work_pool_name"],
        "properties": {
            "name": {"type": "string"},
            "work_pool_name": {"type": "string"},
            "work_pool_id": {"type": "string"},
            "description": {"type": "string"},
            "concurrency_limit": {"type": "integer", "minimum": 0},
            "priority": {"type": "integer", "minimum": 1},
            "paused": {"type": "boolean"},
            "manage_state": {"type": "boolean"},
        },
    }
    defaults: ClassVar[Mapping[str, Any]] = {"description": "", "paused": False, "manage_state": False}
    replaces = ("name", "work_pool_name", "work_pool_id")
    unique = ("name", "work_pool_name")
    states = ("paused",)

    def label(self, inputs: Properties) -> str:
        """`work queue 'dbt-dev/urgent'`."""
        return f"work queue '{inputs.get('work_pool_name')}/{inputs.get('name')}'"

    def problems(self, inputs: Properties) -> list[str]:
        """List bad names."""
        return name_problems("name", inputs["name"])

    def find(self, http: Requests, inputs: Properties) -> Found | None:
        """Look it up by its pool's name and its own."""
        return _found(http.send("GET", _path(inputs), accept=MISSING), inputs)

    def read(self, http: Requests, object_id: str, inputs: Properties) -> Found | None:
        """Read it by its id, so that another queue of the same name is not taken for it."""
        return _found(http.send("GET", f"/work_queues/{object_id}", accept=MISSING), inputs)

    def create(self, http: Requests, inputs: Properties) -> Found | None:
        """Create it; a name that is taken by another gives None.

        Raises RejectedError where there is no such pool.
        """
        body = {**only(inputs, "name"), **_written(inputs), "is_paused": inputs["paused"]}
        path = _path(inputs).rpartition("/")[0]
        response = post_once(http, path, body, _path(inputs), accept=MISSING)
        if response is None:
            return None
        found = _found(response, inputs)
        if found is None:
            raise RejectedError(
                f"{self.label(inputs)}: Prefect at {http.server.api_url} has no work pool "
                f"{inputs['work_pool_name']!r}. Hand in the program's own WorkPool, or create one of that "
                "name"
            )
        return found if self.holds(found, inputs) else None

    def update(self, http: Requests, object_id: str, olds: Properties, news: Properties) -> None:
        """Write all but the names; whether it is paused only where that is the program's."""
        found = self.read(http, object_id, news)
        if found is None:
            raise self.gone(news, http.server.api_url)
        body = _written(news)
        if self.to_write(olds, news):
            body["is_paused"] = news["paused"]
        # By the name that it bears now: people may have renamed it.
        response = http.send("PATCH", _path(found.properties), json=body, accept=MISSING)
        if response.status_code == 404:
            raise self.gone(news, http.server.api_url)

    def delete(self, http: Requests, object_id: str, inputs: Properties) -> None:
        """Delete it; what waits in it waits in no queue then."""
        found = self.read(http, object_id, inputs)
        if found is not None:
            http.send("DELETE", _path(found.properties), accept=MISSING)

    def means(self, name: str, given: Any, actual: Any) -> bool:
        """Compare; a limit of 0 lets nothing run, and no limit everything."""
        if name == "concurrency_limit":
            return precise(given) == precise(actual)
        return super().means(name, given, actual)


def _path(inputs: Properties) -> str:
    return f"/work_pools/{quote(inputs['work_pool_name'], safe='')}/queues/{quote(inputs['name'], safe='')}"


def _written(inputs: Properties) -> Properties:
    # What Prefect's page shows below a queue's name is all that it has room for.
    description = marks.marked_text(inputs.get("description"), inputs.get("owner"))
    body = only(inputs, "concurrency_limit") | {"description": description}
    return body | ({"priority": inputs["priority"]} if "priority" in inputs else {})


def _found(response: httpx.Response, inputs: Properties) -> Found | None:
    if response.status_code == 404:
        return None
    body = response.json()
    if body["work_pool_name"] is None:
        # Prefect reads the queue, then its pool: somebody deletes both just now.
        return None
    description, owner = marks.unmarked_text(body["description"])
    properties = {**only(body, *TOLD), "description": description, "paused": body["is_paused"]}
    if "priority" not in inputs:
        # Prefect gives out one that is free, and moves the others when one is given.
        del properties["priority"]
    return Found(body["id"], properties, owner)


class WorkQueue(PrefectResource, module="prefect", name="WorkQueue"):
    """A work queue of a work pool.

    Args:
        resource_name: the resource's name in Pulumi.
        name: the queue's name in Prefect. Changing it replaces the queue.
        work_pool: the pool, or the name of one that exists. Another one replaces the queue.
        description: shown in Prefect's page.
        concurrency_limit: how many of its runs may run at the same time; None for any number.
        priority: the lower, the sooner its runs start; Prefect's own choice where it is left out.
        paused: whether no run is handed out. Afterwards people's own, unless `manage_state`.
        manage_state: let the program alone say whether the queue is paused.
        adopt: take over a queue of this name that exists. Without it, such a queue is an error.
        opts: as for every resource.
    """

    name: Output[str]
    work_pool_name: Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        name: Input[str],
        work_pool: WorkPool | Input[str],
        description: Input[str] | None = None,
        concurrency_limit: Input[int] | None = None,
        priority: Input[int] | None = None,
        paused: Input[bool] = False,
        manage_state: Input[bool] = False,
        adopt: Input[bool] = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        properties = {
            "name": name,
            "work_pool_name": work_pool.name if isinstance(work_pool, WorkPool) else work_pool,
            # A pool that is replaced may keep its name, but not its queues.
            "work_pool_id": work_pool.id if isinstance(work_pool, WorkPool) else None,
            "description": description,
            "concurrency_limit": concurrency_limit,
            "priority": priority,
            "paused": paused,
            "manage_state": manage_state,
            "adopt": adopt,
        }
        super().__init__("work-queue", resource_name, properties, opts)


KIND = WorkQueues()
