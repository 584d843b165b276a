"""Block types of a team's own: which fields such blocks have, without a Python class that registers them."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

import pulumi
from pulumi import Input, Output

from providers.api.errors import PrefectError, RejectedError
from providers.checks.block_data import name_problems
from providers.kinds import marks
from providers.kinds.kind import CONFLICT, MISSING, Found, Kind, Properties, only
from providers.kinds.resource import PrefectResource
from providers.values import canonical, has_unknown

if TYPE_CHECKING:
    from providers.api.http import Requests

SHOWN = ("logo_url", "documentation_url", "code_example")
# JSON Schema leaves keywords alone that it does not know.
SECRETS = "x-secret-fields"
CAPABILITIES = "x-capabilities"


class BlockTypes(Kind):
    """Prefect's block types, each with the schema that the program gives it.

    Schemas never change: other fields are a further schema, and blocks of the old one keep that until they
    are written again. Which schema is the program's is known by its checksum.
    """

    title = "block type"
    marked = True
    schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "required": ["slug", "name", "fields"],
        "properties": {
            "slug": {"type": "string"},
            "name": {"type": "string", "minLength": 1},
            "fields": {"type": "object"},
            "capabilities": {"type": "array", "items": {"type": "string"}},
            "version": {"type": "string"},
            "description": {"type": "string"},
            **{name: {"type": "string"} for name in SHOWN},
        },
    }
    defaults: ClassVar[Mapping[str, Any]] = {"capabilities": [], "version": "1", "description": ""}
    replaces = ("slug", "name")
    unique = ("slug",)
    computed = ("schema",)

    def label(self, inputs: Properties) -> str:
        """`block type 'warehouse'`."""
        return f"block type {inputs.get('slug')!r}"

    def problems(self, inputs: Properties) -> list[str]:
        """List a bad slug, and fields that are no JSON Schema of an object."""
        found = [f"slug{problem.removeprefix('name')}" for problem in name_problems(inputs["slug"])]
        fields = inputs["fields"]
        if has_unknown(fields):
            return found
        declared = fields.get("properties")
        if fields.get("block_type_slug", inputs["slug"]) != inputs["slug"]:
            found.append(f"fields.block_type_slug: {fields['block_type_slug']!r} is another type's")
        if fields.get("type", "object") != "object" or not isinstance(declared, Mapping):
            return [*found, "fields: a JSON Schema of an object, whose `properties` are the block's fields"]
        named = [
            *fields.get("required", []),
            *(one.partition(".")[0] for one in fields.get("secret_fields", [])),
        ]
        lacking = sorted({str(name) for name in named} - set(declared))
        return found + [
            f"fields: {name!r} is required or secret, but not among `properties`" for name in lacking
        ]

    def find(self, http: Requests, inputs: Properties) -> Found | None:
        """Look it up by its slug."""
        return self._found(http, f"/block_types/slug/{quote(inputs['slug'], safe='')}", inputs)

    def read(self, http: Requests, object_id: str, inputs: Properties) -> Found | None:
        """Read it by its id."""
        return self._found(http, f"/block_types/{object_id}", inputs)

    def create(self, http: Requests, inputs: Properties) -> Found | None:
        """Create it with its schema; a slug or a name that is taken gives None."""
        response = http.send(
            "POST", "/block_types/", json=only(inputs, "name", "slug") | _shown(inputs), accept=CONFLICT
        )
        if response.status_code == 409:
            return None
        object_id = response.json()["id"]
        try:
            return Found(object_id, {"schema": _register(http, object_id, inputs)})
        except PrefectError:
            # A type without a schema is of no use to anybody.
            self.delete(http, object_id, inputs)
            raise

    def update(self, http: Requests, object_id: str, olds: Properties, news: Properties) -> Properties:  # noqa: ARG002
        """Write what is shown, and register other fields as a further schema."""
        response = http.send("PATCH", f"/block_types/{object_id}", json=_shown(news), accept=MISSING)
        if response.status_code == 404:
            raise self.gone(news, http.server.api_url)
        return {"schema": _register(http, object_id, news)}

    def delete(self, http: Requests, object_id: str, inputs: Properties) -> None:  # noqa: ARG002
        """Delete it, and with it its schemas and blocks."""
        http.send("DELETE", f"/block_types/{object_id}", accept=MISSING)

    def means(self, name: str, given: Any, actual: Any) -> bool:
        """Compare; the server stores some of a text with HTML entities."""
        if isinstance(actual, str):
            return html.unescape(given or "") == html.unescape(actual)
        return super().means(name, given, actual)

    def _found(self, http: Requests, path: str, inputs: Properties) -> Found | None:
        response = http.send("GET", path, accept=MISSING)
        if response.status_code == 404:
            return None
        body = response.json()
        description, owner = marks.unmarked_text(html.unescape(body["description"] or ""))
        properties = {**only(body, "slug", "name", *SHOWN), "description": description}
        schema = _registered(http, body["id"], inputs)
        # Without the program's schema, its fields are not there.
        properties |= {"schema": schema} if schema else {"fields": {}}
        return Found(body["id"], properties, owner)


def _shown(inputs: Properties) -> Properties:
    description = marks.marked_text(inputs.get("description"), inputs.get("owner"))
    return only(inputs, *SHOWN) | {"description": description}


def _whole(inputs: Properties) -> Properties:
    """Return the schema as Prefect's own classes register theirs: no other type's has the same checksum.

    Neither the capabilities nor `secret_fields` are part of Prefect's checksum: of a schema that differs in
    these alone it would keep the one that it has, and show what is a secret by now. So they are told twice.
    """
    fields = {"title": inputs["name"], "secret_fields": [], "block_schema_references": {}, **inputs["fields"]}
    own = {"type": "object", "block_type_slug": inputs["slug"]}
    told = {SECRETS: sorted(fields["secret_fields"]), CAPABILITIES: sorted(inputs["capabilities"])}
    return {**fields, **own, **told}


def _register(http: Requests, type_id: str, inputs: Properties) -> Properties:
    # The server answers with the schema it has where checksum and version are known: safe to send again.
    body = {"block_type_id": type_id, "fields": _whole(inputs), **only(inputs, "capabilities", "version")}
    made = http.send("POST", "/block_schemas/", json=body).json()
    if made["block_type_id"] != type_id:
        raise RejectedError(
            f"Prefect at {http.server.api_url} has a schema of just these fields under another block type"
        )
    return only(made, "checksum", "version")


def _registered(http: Requests, type_id: str, inputs: Properties) -> Properties | None:
    """Return which of the type's schemas is the program's: by its checksum, or at first by its fields."""
    there = http.send(
        "POST", "/block_schemas/filter", json={"block_schemas": {"block_type_id": {"any_": [type_id]}}}
    ).json()
    known = inputs.get("schema")
    unknown = has_unknown([inputs["fields"], inputs["capabilities"]])
    fields = None if unknown else canonical(_whole(inputs))
    for one in there:
        identity = only(one, "checksum", "version")
        same = canonical(one["fields"]) == fields and one["version"] == inputs.get("version")
        if identity == known or (not known and same):
            return identity
    return None


class BlockType(PrefectResource, module="prefect", name="BlockType"):
    """A block type with the schema of its blocks. Deleting it deletes all of its blocks.

    Args:
        resource_name: the resource's name in Pulumi.
        slug: the type's slug: lowercase letters, digits, dashes. Changing it replaces the type.
        name: the type's name in Prefect's page. Changing it replaces the type.
        fields: a JSON Schema of the blocks' data: `properties`, `required`, and in `secret_fields` the names
            of those that are secret.
        capabilities: what its blocks can do, such as `notify`.
        version: of the schema.
        description: shown in Prefect's page.
        logo_url: address of a picture.
        documentation_url: address of a page about it.
        code_example: Markdown that the page shows.
        adopt: take over a type of this slug that exists. Without it, such a type is an error.
        opts: as for every resource.
    """

    slug: Output[str]
    schema: Output[dict[str, str]]

    def __init__(
        self,
        resource_name: str,
        *,
        slug: Input[str],
        name: Input[str],
        fields: Input[Mapping[str, Any]],
        capabilities: Input[Sequence[Input[str]]] | None = None,
        version: Input[str] | None = None,
        description: Input[str] | None = None,
        logo_url: Input[str] | None = None,
        documentation_url: Input[str] | None = None,
        code_example: Input[str] | None = None,
        adopt: Input[bool] = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        properties = {
            "slug": slug,
            "name": name,
            "fields": fields,
            "capabilities": capabilities,
            "version": version,
            "description": description,
            "logo_url": logo_url,
            "documentation_url": documentation_url,
            "code_example": code_example,
            "adopt": adopt,
            "schema": None,
        }
        super().__init__("block-type", resource_name, properties, opts)


KIND = BlockTypes()
