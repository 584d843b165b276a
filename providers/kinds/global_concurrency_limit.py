"""Global concurrency limits: how many holders a name has at the same time, whatever they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote
from uuid import UUID

import pulumi
from pulumi import Input, Output

from providers.checks.inputs import name_problems
from providers.kinds.kind import MISSING, Found, Kind, Properties, only, post_once
from providers.kinds.resource import PrefectResource
from providers.values import UNKNOWN

if TYPE_CHECKING:
    import httpx

    from providers.api.http import Requests

TOLD = ("name", "limit", "active", "slot_decay_per_second")
PATH = "/v2/concurrency_limits/"


class GlobalConcurrencyLimits(Kind):
    """Prefect's global concurrency limits.

    How many of their slots are held changes by itself: it is never drift, and written only where the program
    says or changes it.
    """

    title = "global concurrency limit"
    schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "required": ["name", "limit"],
        "properties": {
            "name": {"type": "string"},
            "limit": {"type": "integer", "minimum": 0},
            "slot_decay_per_second": {"type": "number", "minimum": 0},
            "active": {"type": "boolean"},
            "active_slots": {"type": "integer", "minimum": 0},
            "manage_state": {"type": "boolean"},
        },
    }
    defaults: ClassVar[Mapping[str, Any]] = {
        "slot_decay_per_second": 0,
        "active": True,
        "manage_state": False,
    }
    states = ("active",)

    def problems(self, inputs: Properties) -> list[str]:
        """List bad names."""
        name = inputs["name"]
        found = name_problems("name", name)
        if name != UNKNOWN and _is_id(name):
            found.append(f"name: {name!r} reads as an id, and Prefect would take it for one")
        return found

    def find(self, http: Requests, inputs: Properties) -> Found | None:
        """Look it up by its name."""
        return _found(http.send("GET", f"{PATH}{quote(inputs['name'], safe='')}", accept=MISSING))

    def read(self, http: Requests, object_id: str, inputs: Properties) -> Found | None:  # noqa: ARG002
        """Read it by its id, so that another limit of the same name is not taken for it."""
        return _found(http.send("GET", f"{PATH}{object_id}", accept=MISSING))

    def create(self, http: Requests, inputs: Properties) -> Found | None:
        """Create it; a name that is taken by another gives None."""
        body = only(inputs, *TOLD) | _held({}, inputs)
        response = post_once(http, PATH, body, f"{PATH}{quote(inputs['name'], safe='')}")
        found = _found(response) if response is not None else None
        return found if found and self.holds(found, inputs) else None

    def update(self, http: Requests, object_id: str, olds: Properties, news: Properties) -> None:
        """Write all but the name; whether it is active only where that is the program's."""
        body = only(news, "limit", "slot_decay_per_second", *self.to_write(olds, news)) | _held(olds, news)
        response = http.send("PATCH", f"{PATH}{object_id}", json=body, accept=MISSING)
        if response.status_code == 404:
            raise self.gone(news, http.server.api_url)

    def delete(self, http: Requests, object_id: str, inputs: Properties) -> None:  # noqa: ARG002
        """Delete it, held or not: its holders go on, and give back what is no more."""
        http.send("DELETE", f"{PATH}{object_id}", accept=MISSING)


def _held(olds: Properties, news: Properties) -> Properties:
    held = news.get("active_slots")
    return {"active_slots": held} if held is not None and held != olds.get("active_slots") else {}


def _is_id(name: str) -> bool:
    try:
        UUID(name)
    except ValueError:
        return False
    return True


def _found(response: httpx.Response) -> Found | None:
    if response.status_code == 404:
        return None
    body = response.json()
    return Found(body["id"], only(body, *TOLD))


class GlobalConcurrencyLimit(PrefectResource, module="prefect", name="GlobalConcurrencyLimit"):
    """A global concurrency limit of Prefect.

    Args:
        resource_name: the resource's name in Pulumi.
        name: the limit's name. Changing it replaces the limit.
        limit: how many slots there are.
        slot_decay_per_second: how many slots become free by themselves; 0 where holders give them back.
        active: whether it limits anything. Afterwards people's own, unless `manage_state`.
        active_slots: how many slots are held at first, or from a change on; what holders do then is no drift.
        manage_state: let the program alone say whether it is active.
        adopt: take over a limit of this name that exists. Without it, one with other settings is an error.
        opts: as for every resource.
    """

    name: Output[str]
    limit: Output[int]

    def __init__(
        self,
        resource_name: str,
        *,
        name: Input[str],
        limit: Input[int],
        slot_decay_per_second: Input[float] = 0,
        active: Input[bool] = True,
        active_slots: Input[int] | None = None,
        manage_state: Input[bool] = False,
        adopt: Input[bool] = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        properties = {
            "name": name,
            "limit": limit,
            "slot_decay_per_second": slot_decay_per_second,
            "active": active,
            "active_slots": active_slots,
            "manage_state": manage_state,
            "adopt": adopt,
        }
        super().__init__("global-concurrency-limit", resource_name, properties, opts)


KIND = GlobalConcurrencyLimits()
