"""Flows: the name that deployments and runs of one flow share, with its tags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

import pulumi
from pulumi import Input, Output

from providers.checks.inputs import name_problems
from providers.kinds import marks
from providers.kinds.kind import MISSING, Found, Kind, Properties, only
from providers.kinds.resource import PrefectResource

if TYPE_CHECKING:
    import httpx

    from providers.api.http import Requests


class Flows(Kind):
    """Prefect's flows. A second one of a name is the first."""

    title = "flow"
    marked = True
    names_are_unique = False
    schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": {"type": "string"},
            "tags": {"type": "array", "items": {"type": "string"}},
        },
    }
    defaults: ClassVar[Mapping[str, Any]] = {"tags": []}

    def problems(self, inputs: Properties) -> list[str]:
        """List bad names."""
        return name_problems("name", inputs["name"])

    def find(self, http: Requests, inputs: Properties) -> Found | None:
        """Look it up by its name."""
        return _found(http.send("GET", f"/flows/name/{quote(inputs['name'], safe='')}", accept=MISSING))

    def read(self, http: Requests, object_id: str, inputs: Properties) -> Found | None:  # noqa: ARG002
        """Read it by its id."""
        return _found(http.send("GET", f"/flows/{object_id}", accept=MISSING))

    def create(self, http: Requests, inputs: Properties) -> Found | None:
        """Create it; a request whose answer was lost is safe to send again."""
        return _found(http.send("POST", "/flows/", json=only(inputs, "name") | _tags(inputs)))

    def update(self, http: Requests, object_id: str, olds: Properties, news: Properties) -> None:  # noqa: ARG002
        """Set its tags."""
        response = http.send("PATCH", f"/flows/{object_id}", json=_tags(news), accept=MISSING)
        if response.status_code == 404:
            raise self.gone(news, http.server.api_url)

    def delete(self, http: Requests, object_id: str, inputs: Properties) -> None:  # noqa: ARG002
        """Delete it, and with it its deployments and the history of its runs."""
        http.send("DELETE", f"/flows/{object_id}", accept=MISSING)


def _found(response: httpx.Response) -> Found | None:
    if response.status_code == 404:
        return None
    body = response.json()
    tags, owner = marks.unmarked(body["tags"])
    return Found(body["id"], only(body, "name") | {"tags": tags}, owner)


def _tags(inputs: Properties) -> Properties:
    return {"tags": marks.marked(inputs["tags"], inputs.get("owner"))}


class Flow(PrefectResource, module="prefect", name="Flow"):
    """A flow of Prefect, where its tags are the program's. A `Deployment` makes its flow by itself.

    Deleting it deletes its deployments and the history of its runs: `opts` with `retain_on_delete=True` keeps
    them.

    Args:
        resource_name: the resource's name in Pulumi.
        name: the flow's name. Changing it replaces the flow.
        tags: shown in Prefect's page.
        adopt: take over a flow of this name that exists. Without it, such a flow is an error.
        opts: as for every resource.
    """

    name: Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        name: Input[str],
        tags: Input[Sequence[Input[str]]] | None = None,
        adopt: Input[bool] = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        properties = {"name": name, "tags": tags, "adopt": adopt}
        super().__init__("flow", resource_name, properties, opts)


KIND = Flows()
