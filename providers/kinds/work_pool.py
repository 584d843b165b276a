"""Work pools: where runs wait for workers, and how those run them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

from providers.api.errors import NameTakenError
from providers.checks.inputs import name_problems
from providers.kinds.kind import CONFLICT, MISSING, Found, Kind, Properties, only
from providers.values import UNKNOWN, canonical

if TYPE_CHECKING:
    from providers.api.http import Requests

TOLD = ("name", "type", "description", "base_job_template", "concurrency_limit")
WRITTEN = ("description", "base_job_template", "concurrency_limit")


class WorkPools(Kind):
    """Prefect's work pools. A pool's type can't change, and no two pools share a name."""

    title = "work pool"
    schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "required": ["name", "type", "base_job_template"],
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

    def problems(self, inputs: Properties) -> list[str]:
        """List bad and reserved names."""
        name = inputs["name"]
        found = name_problems("name", name)
        if name != UNKNOWN and str(name).lower().startswith("prefect"):
            found.append(f"name: {name!r}: Prefect keeps names that begin with 'prefect' for itself")
        return found

    def find(self, http: Requests, inputs: Properties) -> Found | None:
        """Look it up by its name."""
        response = http.send("GET", _path(inputs["name"]), accept=MISSING)
        return None if response.status_code == 404 else _found(response.json())

    def read(self, http: Requests, object_id: str, inputs: Properties) -> Found | None:  # noqa: ARG002
        """Read it by its id, so that another pool of the same name is not taken for it."""
        body = {"work_pools": {"id": {"any_": [object_id]}}}
        pools = http.send("POST", "/work_pools/filter", json=body).json()
        return _found(pools[0]) if pools else None

    def create(self, http: Requests, inputs: Properties) -> Found | None:
        """Create it; a name that is taken by now, if only by a request whose answer was lost, gives None."""
        body = {**only(inputs, *TOLD), "is_paused": inputs.get("paused", False)}
        response = http.send("POST", "/work_pools/", json=body, accept=CONFLICT)
        return None if response.status_code == 409 else _found(response.json())

    def update(self, http: Requests, object_id: str, olds: Properties, news: Properties) -> None:
        """Write all but name and type; whether it is paused only where that is the program's.

        Raises NameTakenError for a pool that is taken over and has another type.
        """
        found = self.read(http, object_id, news)
        if found is None:
            raise self.gone(news, http.server.api_url)
        if found.properties["type"] != news["type"]:
            raise NameTakenError(_other_type(found.properties, news["type"], http.server.api_url))
        body = only(news, *WRITTEN)
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
    return Found(body["id"], {**only(body, *TOLD), "paused": body["is_paused"]})
