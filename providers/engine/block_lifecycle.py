"""What happens to a block at each step of Pulumi's engine. Knows neither HTTP nor the Pulumi SDK."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from providers.api.errors import NameTakenError, PrefectError
from providers.catalog.schemas import committed
from providers.values import UNKNOWN, canonical, has_unknown, revisions, seal

if TYPE_CHECKING:
    from providers.api.prefect_client import PrefectClient, Schema

Properties = dict[str, Any]
IDENTITY = ("block_type", "block_name")


@dataclass(frozen=True)
class Checked:
    """The inputs to go on with, and what is wrong with them."""

    inputs: Properties
    problems: list[str]


@dataclass(frozen=True)
class Difference:
    """What an update would have to do: nothing, update, or replace because of these inputs."""

    changes: bool
    replaces: list[str]


class Lifecycle:
    """One provider process's view of the blocks of one Prefect server. Safe to share between threads.

    `connect` makes the client. It is called at the first request, so that a run that changes nothing loads no
    HTTP.
    """

    def __init__(self, connect: Callable[[], PrefectClient]) -> None:
        self._connect = connect
        self._client: PrefectClient | None = None
        self._newest: dict[str, Schema] = {}
        self._lock = threading.Lock()
        self._asking = threading.Lock()
        # Blocks that a resource of this run created or took over, and those that stay as they are.
        self._taken: set[str] = set()
        self._kept: set[str] = set()

    @property
    def client(self) -> PrefectClient:
        """The client of the server."""
        with self._lock:
            if self._client is None:
                self._client = self._connect()
            return self._client

    def check(self, olds: Properties, news: Properties) -> Checked:
        """Validate the inputs, unknowns understood, and add the schema that the block is to have.

        Raises PrefectError only where the server has to be asked for a schema and can't be.
        """
        from providers.checks.block_data import data_problems, name_problems  # noqa: PLC0415

        inputs = {"adopt": False, **news}
        slug, data = inputs.get("block_type"), inputs.get("data", {})
        problems = name_problems(inputs.get("block_name"))
        fields: Mapping[str, Any] | None = None
        if slug != UNKNOWN:
            try:
                inputs["schema"], fields = self._wanted(str(slug))
            except PrefectError as error:
                problems.append(str(error))
        if fields is not None and not _same_inputs(olds, inputs):
            problems += data_problems(data, fields)
        if isinstance(data, Mapping):
            inputs |= {"data": seal(data, fields), "revisions": revisions(olds, data, fields)}
        return Checked(inputs, problems)

    def diff(self, document_id: str, olds: Properties, news: Properties) -> Difference:
        """Compare what the block was last known to be with what it shall be."""
        replaces = [key for key in IDENTITY if key in olds and olds[key] != news.get(key)]
        data = news.get("data")
        changes = bool(
            replaces
            or has_unknown(data)
            or canonical(olds.get("data")) != canonical(data)
            # A state that an older version wrote may lack it.
            or ("schema" in olds and olds["schema"] != news.get("schema"))
        )
        if not replaces:
            self._keep(document_id, news)
        return Difference(changes, replaces)

    def create(self, props: Properties) -> tuple[str, Properties]:
        """Create the block, or take it over; return its id and outputs."""
        slug, name, data = props["block_type"], props["block_name"], props["data"]
        schema = self._schema(props)
        try:
            document = self.client.create(slug, name, data, schema)
            document_id = document.id
        except NameTakenError:
            existing = self.client.find(slug, name) if props.get("adopt") else None
            if existing is None:
                raise
            document_id = existing.id
            self._take(document_id, props)
            self.client.replace(document_id, data, schema)
        else:
            self._take(document_id, props)
        return document_id, self._outputs(props, data)

    def update(self, document_id: str, props: Properties) -> Properties:
        """Replace the block's data and schema; return the outputs."""
        self.client.replace(document_id, props["data"], self._schema(props))
        return self._outputs(props, props["data"])

    def read(self, document_id: str, props: Properties) -> Properties | None:
        """Return the properties as they are in Prefect, or None where the block is gone."""
        document = self.client.document(document_id)
        if document is None:
            return None
        kind = committed(document.type_slug)
        fields = kind.fields if kind else document.fields
        data = _as_given(document.data, props.get("data", {}))
        return {
            "adopt": False,
            **props,
            "block_type": document.type_slug,
            "block_name": document.name,
            "schema": {"checksum": document.checksum, "version": document.version},
            "data": seal(data, fields),
            "revisions": revisions(props, data, fields),
        }

    def delete(self, document_id: str) -> None:
        """Delete the block; fine if it is gone. Not done if another resource of this run has taken it over.

        The latter is what renaming a resource in the program without an alias looks like, or `pulumi up
        --replace`.
        """
        with self._lock:
            if document_id in self._taken:
                return
        self.client.delete(document_id)

    def _wanted(self, slug: str) -> tuple[Properties, Mapping[str, Any]]:
        kind = committed(slug)
        if kind is not None:
            return {"checksum": kind.checksum, "version": kind.version}, kind.fields
        schema = self._newest_schema(slug)
        return {"checksum": schema.checksum, "version": schema.version}, schema.fields

    def _newest_schema(self, slug: str) -> Schema:
        with self._asking:
            if slug not in self._newest:
                self._newest[slug] = self.client.newest_schema(slug)
            return self._newest[slug]

    def _schema(self, props: Properties) -> Schema:
        slug = props["block_type"]
        wanted = props.get("schema") or self._wanted(slug)[0]
        return self.client.schema(slug, wanted["checksum"], wanted["version"])

    def _outputs(self, props: Properties, data: Mapping[str, Any]) -> Properties:
        return {**props, "data": seal(data, self._fields(props["block_type"]))}

    def _fields(self, slug: str) -> Mapping[str, Any] | None:
        """Return a schema to tell by what may be shown; None, for nothing, if none is at hand."""
        kind = committed(slug)
        if kind is not None:
            return kind.fields
        newest = self._newest.get(slug)
        return newest.fields if newest else None

    def _take(self, document_id: str, props: Properties) -> None:
        with self._lock:
            if document_id in self._taken | self._kept:
                raise NameTakenError(_twice(props))
            self._taken.add(document_id)

    def _keep(self, document_id: str, props: Properties) -> None:
        with self._lock:
            if document_id in self._taken:
                raise NameTakenError(_twice(props))
            self._kept.add(document_id)


def _as_given(actual: Mapping[str, Any], given: Mapping[str, Any]) -> Properties:
    """Return the actual data, written as given where it means the same: a 4.0 or a null is no drift."""
    fields = {
        field: given[field] if field in given and canonical(given[field]) == canonical(value) else value
        for field, value in actual.items()
    }
    return {
        **{field: value for field, value in given.items() if value is None and field not in actual},
        **fields,
    }


def _same_inputs(olds: Properties, news: Properties) -> bool:
    """Tell whether the inputs were found good before: the same data for the same schema."""
    return bool(olds) and all(
        canonical(olds.get(key)) == canonical(news.get(key)) for key in ("block_type", "data", "schema")
    )


def _twice(props: Properties) -> str:
    return (
        "two resources of this program declare the same block, "
        f"{props.get('block_type')}/{props.get('block_name')}: give one of them another name"
    )
