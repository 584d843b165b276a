"""Blocks: named documents of a block type, whose data may be secret."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import pulumi
from pulumi import Input, Output

from providers.catalog.schemas import committed
from providers.checks.block_data import data_problems, name_problems
from providers.kinds.block_type import BlockType
from providers.kinds.kind import Connect, Found, Kind, Properties
from providers.kinds.resource import PrefectResource
from providers.values import UNKNOWN, canonical, is_open, is_reference, reference, revisions, seal

if TYPE_CHECKING:
    from providers.api.http import Requests
    from providers.api.prefect_client import Document, PrefectClient, Schema


class Blocks(Kind):
    """Prefect's blocks. Their data is replaced, never merged."""

    title = "block"
    schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "required": ["block_type", "block_name", "data"],
        "properties": {"block_type": {"type": "string"}},
    }
    replaces = ("block_type", "block_name")
    unique = ("block_type", "block_name")
    hints = ("revisions",)
    added = ("schema",)

    def __init__(self) -> None:
        # What schemas of types that are not committed say, by what identifies them anywhere.
        self._fields: dict[tuple[Any, ...], Mapping[str, Any]] = {}

    def label(self, inputs: Properties) -> str:
        """`block slack-webhook/oncall`."""
        return f"block {inputs.get('block_type')}/{inputs.get('block_name')}"

    def complete(self, connect: Connect, inputs: Properties) -> Properties:
        """Add the schema that the block is to have. Raises UnknownTypeError."""
        slug, given = inputs.get("block_type", UNKNOWN), inputs.get("schema")
        if UNKNOWN in (slug, given):
            return inputs
        if given:
            # Of a type that the program itself makes, and that may have another schema since.
            schema: Any = _client(connect()).schema(str(slug), given["checksum"], given["version"])
        else:
            schema = committed(str(slug)) or _client(connect()).newest_schema(str(slug))
        return inputs | {"schema": self._seen(str(slug), schema)}

    def sealed(self, olds: Properties, props: Properties) -> Properties:
        """Mark what may not be shown as secret, and count its changes."""
        data, fields = props.get("data"), self._fields_of(props)
        if not isinstance(data, Mapping):
            return props
        return props | {"data": seal(data, fields), "revisions": revisions(olds, data, fields)}

    def problems(self, inputs: Properties) -> list[str]:
        """List what is wrong with the name, and with the data by the block's own schema."""
        fields = self._fields_of(inputs)
        found = name_problems(inputs["block_name"])
        return found if fields is None else found + data_problems(inputs["data"], fields)

    def find(self, http: Requests, inputs: Properties) -> Found | None:
        """Look it up by its type and name."""
        return self._found(_client(http).find(inputs["block_type"], inputs["block_name"]))

    def read(self, http: Requests, object_id: str, inputs: Properties) -> Found | None:  # noqa: ARG002
        """Read it by its id, with its secrets."""
        return self._found(_client(http).document(object_id))

    def create(self, http: Requests, inputs: Properties) -> Found | None:
        """Create it; a name that is taken by another gives None."""
        slug, name, data = inputs["block_type"], inputs["block_name"], inputs["data"]
        return self._found(_client(http).create(slug, name, data, _schema(http, inputs)))

    def update(self, http: Requests, object_id: str, olds: Properties, news: Properties) -> None:  # noqa: ARG002
        """Replace its data and schema."""
        _client(http).replace(object_id, news["data"], _schema(http, news))

    def delete(self, http: Requests, object_id: str, inputs: Properties) -> None:  # noqa: ARG002
        """Delete it."""
        _client(http).delete(object_id)

    def as_given(self, given: Properties, actual: Properties) -> Properties:
        """Return what is there, each field of the data as given where it means the same."""
        ours, theirs = given.get("data", {}), actual["data"]
        data = {field: value for field, value in ours.items() if value is None and field not in theirs}
        for field, value in theirs.items():
            same = field in ours and canonical(ours[field]) == canonical(value)
            data[field] = ours[field] if same else value
        return given | actual | {"data": data}

    def differ(self, old: Any, new: Any) -> bool:
        """Tell whether two values differ; a null in a block is a field left out."""
        return canonical(old) != canonical(new)

    def _found(self, document: Document | None) -> Found | None:
        if document is None:
            return None
        properties = {
            "block_type": document.type_slug,
            "block_name": document.name,
            "schema": self._seen(document.type_slug, document),
            "data": document.data,
        }
        return Found(document.id, properties)

    def _seen(self, slug: str, schema: Any) -> Properties:
        self._fields[slug, schema.checksum, schema.version] = schema.fields
        return {"checksum": schema.checksum, "version": schema.version}

    def _fields_of(self, props: Properties) -> Mapping[str, Any] | None:
        """Return a schema to tell by what may be shown; None, for nothing, if none is at hand."""
        slug, schema = props.get("block_type"), props.get("schema") or {}
        if schema == UNKNOWN:
            return None
        kind = committed(slug) if isinstance(slug, str) and slug != UNKNOWN else None
        if kind is not None:
            return kind.fields
        return self._fields.get((slug, schema.get("checksum"), schema.get("version")))


@functools.lru_cache(maxsize=8)
def _client(http: Requests) -> PrefectClient:
    from providers.api.prefect_client import PrefectClient  # noqa: PLC0415  loads httpx, 0.5 s

    return PrefectClient(http.server, http)


def _schema(http: Requests, props: Properties) -> Schema:
    wanted = props["schema"]
    return _client(http).schema(props["block_type"], wanted["checksum"], wanted["version"])


class PrefectBlock(PrefectResource, module="prefect", name="Block"):
    """A block in Prefect: a named document of a block type.

    Args:
        resource_name: the resource's name in Pulumi.
        block_type: the block type's slug, such as `slack-webhook`, or a `BlockType` of the program,
            whose schema the block follows. Changing it replaces the block.
        block_name: the block's name in Prefect: lowercase letters, digits, dashes. Changing it replaces it.
        data: the block's fields. A field may be secret or an output; `other_block.ref` refers to
            another. Fields whose schema does not declare a plain scalar are made secret by themselves.
        adopt: take over a block of this type and name that exists. Without it, such a block is an error.
        opts: as for every resource.
    """

    block_type: Output[str]
    block_name: Output[str]
    data: Output[dict[str, Any]]
    adopt: Output[bool]

    def __init__(
        self,
        resource_name: str,
        *,
        block_type: BlockType | Input[str],
        block_name: Input[str],
        data: Input[Mapping[str, Input[Any]]],
        adopt: Input[bool] = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        own = block_type if isinstance(block_type, BlockType) else None
        slug: Input[str] = block_type.slug if isinstance(block_type, BlockType) else block_type
        properties = {
            "block_type": slug,
            "block_name": block_name,
            "data": protect(data, slug),
            "adopt": adopt,
            "schema": own.schema if own else None,
        }
        super().__init__("block", resource_name, properties, opts)

    @property
    def ref(self) -> Output[dict[str, Any]]:
        """What another block's field holds to refer to this block."""
        return self.id.apply(reference)


def protect(data: Input[Mapping[str, Input[Any]]], block_type: Input[str]) -> Any:
    """Make secret what the block type's schema does not declare a plain scalar; references stay readable."""
    if not isinstance(data, Mapping):
        return Output.secret(data)
    kind = committed(block_type) if isinstance(block_type, str) else None
    fields = kind.fields if kind else None
    return {field: value if is_open(field, fields) else _secret(value) for field, value in data.items()}


def _secret(value: Input[Any]) -> Any:
    if isinstance(value, Output):
        return value.apply(lambda known: known if is_reference(known) else Output.secret(known))
    return value if is_reference(value) else Output.secret(value)


KIND = Blocks()
