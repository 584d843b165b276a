"""Limits of task runs: how many that bear a tag run at the same time, in all flows together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

import pulumi
from pulumi import Input, Output

from providers.checks.inputs import name_problems
from providers.kinds.kind import MISSING, Found, Kind, Properties, only
from providers.kinds.resource import PrefectResource

if TYPE_CHECKING:
    import httpx

    from providers.api.http import Requests

TOLD = ("tag", "concurrency_limit")
PATH = "/concurrency_limits/"


class TaskRunConcurrencyLimits(Kind):
    """Prefect's tag-based limits. A second one of a tag is a change of the first."""

    title = "task run concurrency limit"
    names_are_unique = False
    schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "required": ["tag", "concurrency_limit"],
        "properties": {"tag": {"type": "string"}, "concurrency_limit": {"type": "integer", "minimum": 0}},
    }
    replaces = ("tag",)
    unique = ("tag",)

    def label(self, inputs: Properties) -> str:
        """`task run concurrency limit 'warehouse'`."""
        return f"{self.title} {inputs.get('tag')!r}"

    def problems(self, inputs: Properties) -> list[str]:
        """List what is no tag here: Prefect makes a name of it, `tag:<tag>`."""
        return name_problems("tag", inputs["tag"])

    def find(self, http: Requests, inputs: Properties) -> Found | None:
        """Look it up by its tag."""
        return _found(http.send("GET", f"{PATH}tag/{quote(inputs['tag'], safe='')}", accept=MISSING))

    def read(self, http: Requests, object_id: str, inputs: Properties) -> Found | None:  # noqa: ARG002
        """Read it by its id."""
        return _found(http.send("GET", f"{PATH}{object_id}", accept=MISSING))

    def create(self, http: Requests, inputs: Properties) -> Found | None:
        """Create it; a request whose answer was lost is safe to send again."""
        return _found(http.send("POST", PATH, json=only(inputs, *TOLD)))

    def update(self, http: Requests, object_id: str, olds: Properties, news: Properties) -> None:  # noqa: ARG002
        """Set its number. Who holds a place keeps it."""
        if self.read(http, object_id, news) is None:
            raise self.gone(news, http.server.api_url)
        http.send("POST", PATH, json=only(news, *TOLD))

    def delete(self, http: Requests, object_id: str, inputs: Properties) -> None:  # noqa: ARG002
        """Delete it, held or not: its holders go on."""
        http.send("DELETE", f"{PATH}{object_id}", accept=MISSING)


def _found(response: httpx.Response) -> Found | None:
    if response.status_code == 404:
        return None
    body = response.json()
    return Found(body["id"], only(body, *TOLD))


class TaskRunConcurrencyLimit(PrefectResource, module="prefect", name="TaskRunConcurrencyLimit"):
    """A limit of how many task runs that bear a tag run at the same time.

    Args:
        resource_name: the resource's name in Pulumi.
        tag: the tag. Changing it replaces the limit.
        concurrency_limit: how many may run at the same time; 0 lets none run.
        adopt: take over a limit of this tag that exists. Without it, such a limit is an error.
        opts: as for every resource.
    """

    tag: Output[str]
    concurrency_limit: Output[int]

    def __init__(
        self,
        resource_name: str,
        *,
        tag: Input[str],
        concurrency_limit: Input[int],
        adopt: Input[bool] = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        properties = {"tag": tag, "concurrency_limit": concurrency_limit, "adopt": adopt}
        super().__init__("task-run-concurrency-limit", resource_name, properties, opts)


KIND = TaskRunConcurrencyLimits()
