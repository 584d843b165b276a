"""Variables: a named JSON value that flows read with `prefect.variables.Variable.get`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

import pulumi
from pulumi import Input, Output

from providers.kinds import marks
from providers.kinds.kind import CONFLICT, MISSING, Found, Kind, Properties, only
from providers.kinds.resource import PrefectResource
from providers.values import UNKNOWN, has_unknown, pack, precise

if TYPE_CHECKING:
    import httpx

    from providers.api.http import Requests

# prefect.types: VariableName, MAX_VARIABLE_VALUE_LENGTH.
NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
LONGEST = 5000


class Variables(Kind):
    """Prefect's variables."""

    title = "variable"
    marked = True
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
        """List bad names, and values that are too long for Prefect."""
        found = []
        name, value = inputs["name"], inputs.get("value")
        if name != UNKNOWN and not NAME.fullmatch(name):
            found.append(f"name: {name!r} may only have letters, digits, dashes and underscores, at most 255")
        # As Prefect's server counts it, without spaces.
        size = 0 if has_unknown(value) else len(json.dumps(value, separators=(",", ":")))
        if size > LONGEST:
            found.append(f"value: has {size} characters as JSON; Prefect takes at most {LONGEST}")
        return found

    def find(self, http: Requests, inputs: Properties) -> Found | None:
        """Look it up by its name."""
        return self._found(
            http.send("GET", f"/variables/name/{quote(inputs['name'], safe='')}", accept=MISSING)
        )

    def read(self, http: Requests, object_id: str, inputs: Properties) -> Found | None:  # noqa: ARG002
        """Read it by its id."""
        return self._found(http.send("GET", f"/variables/{object_id}", accept=MISSING))

    def create(self, http: Requests, inputs: Properties) -> Found | None:
        """Create it; a name that is taken by now, if only by a request whose answer was lost, gives None."""
        response = http.send(
            "POST", "/variables/", json=only(inputs, "name", "value") | _tags(inputs), accept=CONFLICT
        )
        return None if response.status_code == 409 else self._found(response)

    def update(self, http: Requests, object_id: str, olds: Properties, news: Properties) -> None:  # noqa: ARG002
        """Set value and tags."""
        response = http.send(
            "PATCH", f"/variables/{object_id}", json=only(news, "value") | _tags(news), accept=MISSING
        )
        if response.status_code == 404:
            raise self.gone(news, http.server.api_url)

    def delete(self, http: Requests, object_id: str, inputs: Properties) -> None:  # noqa: ARG002
        """Delete it."""
        http.send("DELETE", f"/variables/{object_id}", accept=MISSING)

    def means(self, name: str, given: Any, actual: Any) -> bool:
        """Compare values as they are: `""`, `0` and null are different values."""
        if name == "value":
            return precise(given) == precise(actual)
        return super().means(name, given, actual)

    @staticmethod
    def _found(response: httpx.Response) -> Found | None:
        if response.status_code == 404:
            return None
        body = response.json()
        tags, owner = marks.unmarked(body["tags"])
        return Found(body["id"], only(body, "name", "value") | {"tags": tags}, owner)


def _tags(inputs: Properties) -> Properties:
    return {"tags": marks.marked(inputs["tags"], inputs.get("owner"))}


class Variable(PrefectResource, module="prefect", name="Variable"):
    """A variable of Prefect. Anybody who can see Prefect can see its value.

    Args:
        resource_name: the resource's name in Pulumi.
        name: the variable's name. Changing it replaces the variable.
        value: anything that JSON can say, at most 5000 characters of it.
        tags: shown in Prefect's page.
        adopt: take over a variable of this name that exists. Without it, such a variable is an error.
        opts: as for every resource.
    """

    name: Output[str]
    value: Output[Any]

    def __init__(
        self,
        resource_name: str,
        *,
        name: Input[str],
        value: Input[Any],
        tags: Input[Sequence[Input[str]]] | None = None,
        adopt: Input[bool] = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        properties = {"name": name, "value": pack(value), "tags": tags, "adopt": adopt}
        super().__init__("variable", resource_name, properties, opts)


KIND = Variables()
