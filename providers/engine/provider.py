"""The dynamic provider of Prefect's objects that Pulumi pickles into its state.

What runs at refresh and delete is the pickle in the state: this class's name and the name of a kind. Never
move or rename `PrefectProvider`, and never rename a kind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    ConfigureRequest,
    CreateResult,
    DiffResult,
    ReadResult,
    ResourceProvider,
    UpdateResult,
)

from providers.engine.block_provider import _plain
from providers.values import pack_properties

if TYPE_CHECKING:
    from providers.engine.lifecycle import ObjectLifecycle


class PrefectProvider(ResourceProvider):
    """Hand each of the engine's calls for one kind of object to the project's own code."""

    # It captures no secret: it captures the name of a kind.
    serialize_as_secret_always = False

    _lifecycle: ObjectLifecycle

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def __reduce__(self) -> tuple[type[PrefectProvider], tuple[str]]:
        return PrefectProvider, (self._kind,)

    def configure(self, req: ConfigureRequest) -> None:
        """Remember where Prefect is. Nothing is connected to before it is needed."""
        from providers.engine.connection import speak_plainly  # noqa: PLC0415  not pickled with it
        from providers.engine.object_connection import lifecycle  # noqa: PLC0415

        speak_plainly()
        self._lifecycle = lifecycle(self._kind, req.config.get)

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Validate; a failure names no property, since the engine would print that property's value."""
        checked = self._lifecycle.check(_plain(_olds), _plain(news))
        return CheckResult(
            pack_properties(checked.inputs), [CheckFailure("", problem) for problem in checked.problems]
        )

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Compare."""
        difference, delete_first = self._lifecycle.diff(_id, _plain(_olds), _plain(_news))
        return DiffResult(
            changes=difference.changes, replaces=difference.replaces, delete_before_replace=delete_first
        )

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Create."""
        object_id, outputs = self._lifecycle.create(_plain(props))
        return CreateResult(object_id, pack_properties(outputs))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Read. What is there becomes the inputs too, so that the next diff sees the drift."""
        actual = self._lifecycle.read(id_, _plain(props))
        # The SDK breaks on None; an empty id says that the object is gone.
        return (
            ReadResult("", {})
            if actual is None
            else ReadResult(id_, pack_properties(actual), pack_properties(actual))
        )

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Update."""
        return UpdateResult(pack_properties(self._lifecycle.update(_id, _plain(_olds), _plain(_news))))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Delete."""
        self._lifecycle.delete(_id, _plain(_props))
