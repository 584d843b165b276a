"""`Refusal`: a resource that nothing but the program itself takes away.

What runs at delete is the pickle in the state, which is this class's name: never move or rename
`RefusalProvider`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi
from pulumi import Input
from pulumi.dynamic import (
    ConfigureRequest,
    CreateResult,
    DiffResult,
    Resource,
    ResourceProvider,
    UpdateResult,
)


class RefusalProvider(ResourceProvider):
    """Keeps one text, in the state alone, and refuses to delete while there is one."""

    # It captures no secret: it captures nothing.
    serialize_as_secret_always = False

    def __reduce__(self) -> tuple[type[RefusalProvider], tuple[()]]:
        return RefusalProvider, ()

    def configure(self, req: ConfigureRequest) -> None:  # noqa: ARG002
        """Let refusals be told without a traceback."""
        from providers.engine.sdk import speak_plainly  # noqa: PLC0415  not pickled with it

        speak_plainly()

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Compare the texts."""
        return DiffResult(changes=_olds.get("why") != _news.get("why"))

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Begin to refuse."""
        return CreateResult("refusal", {"why": props["why"]})

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Refuse for another reason, or no longer."""
        return UpdateResult({"why": _news["why"]})

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Raise KeptError with the text, if there is one."""
        from providers.api.errors import KeptError  # noqa: PLC0415

        if _props["why"]:
            raise KeptError(_props["why"])


class Refusal(Resource, module="lifecycle", name="Refusal"):
    """Refuses to be deleted, and by that keeps all that it depends on, which Pulumi deletes after it.

    Args:
        resource_name: the resource's name in Pulumi, which the engine shows where a resource is protected.
        why: what a refusal says; with an empty text there is none.
        keeps: what is not to be deleted before.
        opts: as for every resource.
    """

    def __init__(
        self,
        resource_name: str,
        *,
        why: Input[str],
        keeps: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        both = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[*keeps]))
        super().__init__(RefusalProvider(), resource_name, {"why": why}, both)
