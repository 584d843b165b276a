"""Prefect's blocks over HTTP: types, schemas and documents. Knows no Pulumi and needs no Prefect installed.

Every method may raise a `providers.api.errors.PrefectError`: unreachable, refused, no Prefect at the address,
declined. Requests that lost their answer are reconciled by looking, so nothing is done twice and nothing is
left half done.
"""

from __future__ import annotations

import html
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from providers.api.errors import GoneError, RejectedError, UnknownTypeError
from providers.api.http import Requests
from providers.api.server import Server
from providers.catalog.schemas import BlockKind, committed
from providers.values import canonical, reference

if TYPE_CHECKING:
    import httpx

SHOWN_OF_TYPE = ("logo_url", "documentation_url", "description", "code_example")
WITH_SECRETS = {"include_secrets": "true"}
MISSING = frozenset({404})


@dataclass(frozen=True)
class Schema:
    """One version of a block type's schema, as the server has it."""

    id: str
    block_type_id: str
    checksum: str
    version: str
    fields: dict[str, Any]


@dataclass(frozen=True)
class Document:
    """A block as the server has it: `data` with secrets in clear, and with references to other blocks."""

    id: str
    type_slug: str
    name: str
    data: dict[str, Any]
    checksum: str
    version: str
    fields: dict[str, Any]

    def holds(self, data: Mapping[str, Any]) -> bool:
        """Tell whether the block has exactly this data."""
        return canonical(self.data) == canonical(data)


class PrefectClient:
    """The blocks of one Prefect server. Safe to share between threads; remembers registered schemas."""

    def __init__(self, server: Server, requests: Requests | None = None) -> None:
        self.server = server
        self._requests = requests or Requests(server)
        self._schemas: dict[tuple[str, str, str], Schema] = {}
        self._registering = threading.Lock()
        self._newest: dict[str, Schema] = {}
        self._asking = threading.Lock()

    def close(self) -> None:
        """Close the connections."""
        self._requests.close()

    # Documents

    def document(self, document_id: str) -> Document | None:
        """Read a block by its id, with its secrets; None where there is none."""
        return _document_or_none(
            self._requests.send("GET", f"/block_documents/{document_id}", params=WITH_SECRETS, accept=MISSING)
        )

    def find(self, type_slug: str, name: str) -> Document | None:
        """Look a block up by its type and name, with its secrets; None where there is none."""
        return _document_or_none(self._lookup(type_slug, name))

    def create(self, type_slug: str, name: str, data: Mapping[str, Any], schema: Schema) -> Document | None:
        """Create a block; None where the name is taken.

        After a lost answer, a block of the name with exactly this data is the one that was asked for.
        """
        lost, seen = False, None

        def look() -> httpx.Response | None:
            nonlocal lost, seen
            lost = True
            response = self._lookup(type_slug, name)
            seen = _document_or_none(response)
            return response if seen else None

        body = {
            "name": name,
            "data": dict(data),
            "block_schema_id": schema.id,
            "block_type_id": schema.block_type_id,
        }
        response = self._requests.send(
            "POST", "/block_documents/", json=body, accept=frozenset({409}), look=look
        )
        if response.status_code != 409 and seen is None:
            return _document(response.json(), sent=data)
        was_lost = lost
        if seen is None and look() is None:
            raise RejectedError(
                f"Prefect at {self.server.api_url} says block {type_slug}/{name} conflicts with another, and "
                "has none of that name: does a reference in it point to a block that was deleted? Run "
                "`pulumi up --refresh`"
            )
        return seen if was_lost and seen is not None and seen.holds(data) else None

    def replace(self, document_id: str, data: Mapping[str, Any], schema: Schema) -> None:
        """Replace a block's data and schema; nothing of the old data stays. Raises GoneError."""
        body = {"data": dict(data), "block_schema_id": schema.id, "merge_existing_data": False}
        response = self._requests.send("PATCH", f"/block_documents/{document_id}", json=body, accept=MISSING)
        if response.status_code == 404:
            raise GoneError(
                f"block {document_id} is no longer in Prefect at {self.server.api_url}: run `pulumi up "
                "--refresh`, which sees that and creates it anew"
            )

    def delete(self, document_id: str) -> None:
        """Delete a block; fine if it is gone already."""
        self._requests.send("DELETE", f"/block_documents/{document_id}", accept=MISSING)

    def _lookup(self, type_slug: str, name: str) -> httpx.Response:
        return self._requests.send(
            "GET",
            f"/block_types/slug/{quote(type_slug)}/block_documents/name/{name}",
            params=WITH_SECRETS,
            accept=MISSING,
        )

    # Types and schemas

    def schema(self, type_slug: str, checksum: str, version: str) -> Schema:
        """Return a schema of a block type, registering both where the server lacks them.

        Raises UnknownTypeError for a schema that neither this project nor the server has.
        """
        key = (type_slug, checksum, version)
        with self._registering:
            if key not in self._schemas:
                kind = committed(type_slug)
                if kind is not None and (kind.checksum, kind.version) == (checksum, version):
                    self._schemas[key] = self._register(kind)
                else:
                    self._schemas[key] = self._known(type_slug, checksum, version)
            return self._schemas[key]

    def newest_schema(self, type_slug: str) -> Schema:
        """Return the newest schema that the server has of a type, asked once. Raises UnknownTypeError."""
        with self._asking:
            if type_slug not in self._newest:
                self._newest[type_slug] = self._ask_newest(type_slug)
            return self._newest[type_slug]

    def _ask_newest(self, type_slug: str) -> Schema:
        block_type = self._type(type_slug)
        schemas = [] if block_type is None else self._schemas_of(block_type["id"])
        if not schemas:
            raise UnknownTypeError(_unknown(type_slug, self.server.api_url))
        # Prefect registers the schema inside another one without a version; prefer one with.
        return next((schema for schema in schemas if schema.version != "non-versioned"), schemas[0])

    def _known(self, type_slug: str, checksum: str, version: str) -> Schema:
        schema = self._schema(checksum, version)
        if schema is None:
            raise UnknownTypeError(_unknown(type_slug, self.server.api_url))
        return schema

    def _register(self, kind: BlockKind) -> Schema:
        """Do what `Block.register_type_and_schema` does: what is nested, then the type, then the schema."""
        existing = self._schema(kind.checksum, kind.version)
        for slug in kind.nested if existing is None else ():
            inner = committed(slug)
            if inner is not None:
                self._register(inner)
        block_type = self._register_type(kind)
        return existing or self._register_schema(kind, block_type["id"])

    def _register_type(self, kind: BlockKind) -> dict[str, Any]:
        existing = self._type(kind.slug)
        if existing is None:
            response = self._requests.send(
                "POST", "/block_types/", json=kind.block_type, accept=frozenset({409})
            )
            created: dict[str, Any] | None = (
                response.json() if response.status_code != 409 else self._type(kind.slug)
            )
            if created is None:
                raise RejectedError(
                    f"Prefect at {self.server.api_url} has another block type named "
                    f"{kind.block_type['name']!r}, so {kind.slug!r} can't be registered; delete or rename "
                    "that type there"
                )
            return created
        wanted = {field: kind.block_type[field] for field in SHOWN_OF_TYPE}
        if any(_text(existing.get(field)) != _text(value) for field, value in wanted.items()):
            self._requests.send("PATCH", f"/block_types/{existing['id']}", json=wanted)
        return existing

    def _register_schema(self, kind: BlockKind, block_type_id: str) -> Schema:
        # The server answers with the schema it has where the checksum and version are known: idempotent.
        body = {
            "fields": kind.fields,
            "block_type_id": block_type_id,
            "capabilities": kind.capabilities,
            "version": kind.version,
        }
        return _schema(self._requests.send("POST", "/block_schemas/", json=body).json())

    def _type(self, slug: str) -> dict[str, Any] | None:
        response = self._requests.send("GET", f"/block_types/slug/{quote(slug)}", accept=MISSING)
        return None if response.status_code == 404 else response.json()

    def _schema(self, checksum: str, version: str) -> Schema | None:
        path = f"/block_schemas/checksum/{checksum}"
        response = self._requests.send("GET", path, params={"version": version}, accept=MISSING)
        return None if response.status_code == 404 else _schema(response.json())

    def _schemas_of(self, block_type_id: str) -> list[Schema]:
        """List a type's schemas, newest first."""
        body = {"block_schemas": {"block_type_id": {"any_": [block_type_id]}}}
        return [
            _schema(found) for found in self._requests.send("POST", "/block_schemas/filter", json=body).json()
        ]


def _document_or_none(response: httpx.Response) -> Document | None:
    return None if response.status_code == 404 else _document(response.json())


def _document(found: Mapping[str, Any], sent: Mapping[str, Any] | None = None) -> Document:
    """Read the server's document; `sent` is the data where the answer masks it, as the one to a POST does."""
    data = dict(found["data"]) if sent is None else dict(sent)
    if sent is None:
        # The server puts the whole other block in place of a reference to it.
        for field, target in found.get("block_document_references", {}).items():
            data[field] = reference(target["block_document"]["id"])
    schema = found.get("block_schema") or {}
    return Document(
        id=found["id"],
        type_slug=(found.get("block_type") or {}).get("slug", ""),
        name=found["name"],
        data=data,
        checksum=schema.get("checksum", ""),
        version=schema.get("version", ""),
        fields=schema.get("fields", {}),
    )


def _schema(found: Mapping[str, Any]) -> Schema:
    return Schema(
        id=found["id"],
        block_type_id=found["block_type_id"],
        checksum=found["checksum"],
        version=found["version"],
        fields=found["fields"],
    )


def _text(value: Any) -> Any:
    """Return a text as Prefect compares it: the server stores some of it with HTML entities."""
    return html.unescape(value) if isinstance(value, str) else value


def _unknown(type_slug: str, api_url: str) -> str:
    return (
        f"neither this project nor Prefect at {api_url} knows block type {type_slug!r}. Commit its schema "
        "with `python -m providers.catalog.schemas package.module:Class`, or register it with `prefect block "
        "register -m <package>`"
    )
