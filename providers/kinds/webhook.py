"""Webhooks: addresses of Prefect Cloud that make an event of each request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import pulumi
from pulumi import Input, Output

from providers.api.errors import RejectedError
from providers.checks.inputs import name_problems
from providers.kinds import marks
from providers.kinds.kind import MISSING, Connect, Found, Kind, Properties, cloud_only, only
from providers.kinds.resource import PrefectResource
from providers.values import SECRET, SIGNATURE

if TYPE_CHECKING:
    import httpx

    from providers.api.http import Requests


class Webhooks(Kind):
    """Prefect Cloud's webhooks. Whoever knows the address of one can make events, so it is a secret."""

    title = "webhook"
    marked = True
    names_are_unique = False
    schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "required": ["name", "template"],
        "properties": {
            "name": {"type": "string"},
            "template": {"type": "string", "minLength": 1},
            "description": {"type": "string"},
            "enabled": {"type": "boolean"},
            "service_account_id": {"type": "string"},
            "manage_state": {"type": "boolean"},
        },
    }
    defaults: ClassVar[Mapping[str, Any]] = {"description": "", "enabled": True, "manage_state": False}
    # Its name can be changed: `update` writes it.
    replaces = ()
    states = ("enabled",)
    computed = ("endpoint",)

    def sealed(self, _olds: Properties, props: Properties) -> Properties:
        """Mark the address as secret."""
        endpoint = props.get("endpoint")
        return props | ({"endpoint": {SIGNATURE: SECRET, "value": endpoint}} if endpoint else {})

    def complete(self, connect: Connect, inputs: Properties) -> Properties:
        """Return the inputs. Raises RejectedError where Prefect is no Prefect Cloud."""
        cloud_only(connect, "webhooks")
        return inputs

    def problems(self, inputs: Properties) -> list[str]:
        """List bad names."""
        return name_problems("name", inputs["name"])

    def find(self, http: Requests, inputs: Properties) -> Found | None:
        """Look it up by its name. Raises RejectedError where there are two."""
        body = {"webhooks": {"name": {"any_": [inputs["name"]]}}}
        listed = http.send("POST", "/webhooks/filter", json=body).json()
        found = [_found(http, one) for one in listed if one["name"] == inputs["name"]]
        if len(found) > 1:
            raise RejectedError(
                f"Prefect at {http.server.api_url} has {len(found)} webhooks named {inputs['name']!r}: "
                "rename or delete all but one in Prefect's page"
            )
        return found[0] if found else None

    def read(self, http: Requests, object_id: str, inputs: Properties) -> Found | None:  # noqa: ARG002
        """Read it by its id."""
        response = http.send("GET", f"/webhooks/{object_id}", accept=MISSING)
        return None if response.status_code == 404 else _found(http, response.json())

    def create(self, http: Requests, inputs: Properties) -> Found | None:
        """Create it. After a lost answer, one of the name with this stack's mark is what was asked for."""

        def look() -> httpx.Response | None:
            found = self.find(http, inputs)
            ours = found and found.owner and found.owner == inputs.get("owner")
            return http.send("GET", f"/webhooks/{found.id}") if found and ours else None

        return _found(http, http.send("POST", "/webhooks/", json=_written(inputs), look=look).json())

    def update(self, http: Requests, object_id: str, olds: Properties, news: Properties) -> None:
        """Write all; whether it is enabled only where that is the program's."""
        body = _written(news)
        if not self.to_write(olds, news):
            found = self.read(http, object_id, news)
            body["enabled"] = found.properties["enabled"] if found else news["enabled"]
        response = http.send("PUT", f"/webhooks/{object_id}", json=body, accept=MISSING)
        if response.status_code == 404:
            raise self.gone(news, http.server.api_url)

    def delete(self, http: Requests, object_id: str, inputs: Properties) -> None:  # noqa: ARG002
        """Delete it."""
        http.send("DELETE", f"/webhooks/{object_id}", accept=MISSING)


def _written(inputs: Properties) -> Properties:
    description = marks.marked_text(inputs.get("description"), inputs.get("owner"))
    return only(inputs, "name", "template", "enabled", "service_account_id") | {"description": description}


def _found(http: Requests, body: Properties) -> Found:
    description, owner = marks.unmarked_text(body.get("description"))
    properties = {
        **only(body, "name", "template", "enabled", "service_account_id"),
        "description": description,
        "endpoint": f"{http.server.api_url.partition('/api/')[0]}/hooks/{body['slug']}",
    }
    return Found(body["id"], properties, owner)


class Webhook(PrefectResource, module="prefect", name="Webhook"):
    """A webhook of Prefect Cloud. `endpoint` is its address, a secret output.

    Args:
        resource_name: the resource's name in Pulumi.
        name: the webhook's name in Prefect.
        template: the Jinja template that makes an event of a request.
        description: shown in Prefect's page.
        enabled: whether it takes requests. Afterwards people's own, unless `manage_state`.
        service_account_id: the service account whose key a request has to bear; without it, none.
        manage_state: let the program alone say whether it is enabled.
        adopt: take over a webhook of this name that exists. Without it, such a webhook is an error.
        opts: as for every resource.
    """

    name: Output[str]
    endpoint: Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        name: Input[str],
        template: Input[str],
        description: Input[str] | None = None,
        enabled: Input[bool] = True,
        service_account_id: Input[str] | None = None,
        manage_state: Input[bool] = False,
        adopt: Input[bool] = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        properties = {
            "name": name,
            "template": template,
            "description": description,
            "enabled": enabled,
            "service_account_id": service_account_id,
            "manage_state": manage_state,
            "adopt": adopt,
            "endpoint": None,
        }
        super().__init__("webhook", resource_name, properties, opts)


KIND = Webhooks()
