"""Blocks that others made, looked up by type and name so that a program can refer to their id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

import pulumi
from pulumi import Input, Output

from providers.api.errors import GoneError, RejectedError
from providers.checks.block_data import name_problems
from providers.kinds.kind import FOUND, MISSING, Found, Kind, Properties
from providers.kinds.resource import PrefectResource
from providers.values import UNKNOWN

if TYPE_CHECKING:
    import httpx

    from providers.api.http import Requests


class ExistingBlocks(Kind):
    """Looks a block up. Never creates, changes or deletes one, and never asks for its secrets."""

    title = "block"
    schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "required": ["block_type", "block_name"],
        "properties": {
            "block_type": {"type": "string"},
            "block_name": {"type": "string"},
            "capability": {"type": "string"},
            "hint": {"type": "string"},
        },
    }
    replaces = ("block_type", "block_name", "capability")
    unique = ("block_type", "block_name")
    refers = True
    names_are_unique = False
    hints = ("hint", FOUND)

    def label(self, inputs: Properties) -> str:
        """`block slack-webhook/oncall`."""
        return f"block {inputs.get('block_type')}/{inputs.get('block_name')}"

    def problems(self, inputs: Properties) -> list[str]:
        """List bad names."""
        problems = name_problems(inputs["block_name"])
        slug = inputs["block_type"]
        return problems if slug == UNKNOWN else problems + name_problems(slug)

    def find(self, http: Requests, inputs: Properties) -> Found | None:
        """Look it up. Raises RejectedError where its type can't do what it is for."""
        slug, name = quote(inputs["block_type"], safe=""), quote(inputs["block_name"], safe="")
        path = f"/block_types/slug/{slug}/block_documents/name/{name}"
        response = http.send("GET", path, accept=MISSING)
        found, wanted = _found(response), inputs.get("capability")
        if found and wanted and wanted not in response.json()["block_schema"]["capabilities"]:
            raise RejectedError(
                f"{_where(inputs)}{self.label(inputs)} is not for this: blocks of its type lack what Prefect "
                f"calls the capability {wanted!r}; name a block of another type"
            )
        return found

    def read(self, http: Requests, object_id: str, inputs: Properties) -> Found | None:  # noqa: ARG002
        """Read it by its id."""
        return _found(http.send("GET", f"/block_documents/{object_id}", accept=MISSING))

    def create(self, http: Requests, inputs: Properties) -> Found | None:
        """Raise GoneError: there is none."""
        raise self.gone(inputs, http.server.api_url)

    def gone(self, inputs: Properties, api_url: str) -> GoneError:
        """Return the error for a block that is not there."""
        return GoneError(
            f"{_where(inputs)}Prefect at {api_url} has no {self.label(inputs)}: create it there, in "
            "Prefect's page under Blocks, or name another one"
        )

    def update(self, http: Requests, object_id: str, olds: Properties, news: Properties) -> None:
        """Do nothing: there is nothing to change."""

    def delete(self, http: Requests, object_id: str, inputs: Properties) -> None:
        """Do nothing: the block is somebody else's."""


def _where(inputs: Properties) -> str:
    return f"{inputs['hint']}: " if inputs.get("hint") else ""


def _found(response: httpx.Response) -> Found | None:
    if response.status_code == 404:
        return None
    body = response.json()
    slug = (body.get("block_type") or {}).get("slug")
    return Found(body["id"], {"block_type": slug, "block_name": body["name"]})


class ExistingBlock(PrefectResource, module="prefect", name="ExistingBlock"):
    """The id of a block that the program does not make, by its type and name. Never changes the block.

    Args:
        resource_name: the resource's name in Pulumi.
        block_type: the block type's slug, such as `slack-webhook`.
        block_name: the block's name in Prefect.
        capability: what the block has to be able to do, such as `notify`.
        hint: where the program got the name from, for its error messages. A new hint changes nothing.
        opts: as for every resource.
    """

    block_type: Output[str]
    block_name: Output[str]
    capability: Output[str | None]

    def __init__(
        self,
        resource_name: str,
        *,
        block_type: Input[str],
        block_name: Input[str],
        capability: Input[str] | None = None,
        hint: Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        properties = {
            "block_type": block_type,
            "block_name": block_name,
            "capability": capability,
            "hint": hint,
        }
        super().__init__("existing-block", resource_name, properties, opts)


KIND = ExistingBlocks()
