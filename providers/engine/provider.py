"""The dynamic provider that Pulumi pickles into its state.

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
from pulumi.runtime.known_types import is_unknown

from providers.values import EXACT, UNKNOWN, pack_properties, unpack

if TYPE_CHECKING:
    from providers.engine.lifecycle import Lifecycle


class PrefectProvider(ResourceProvider):
    """Hand each of the engine's calls for one kind of object to the project's own code."""

    # It captures no secret: it captures the name of a kind.
    serialize_as_secret_always = False

    _lifecycle: Lifecycle

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def __reduce__(self) -> tuple[type[PrefectProvider], tuple[str]]:
        return PrefectProvider, (self._kind,)

    def configure(self, req: ConfigureRequest) -> None:
        """Remember where Prefect is. Nothing is connected to before it is needed."""
        from providers.engine.connection import lifecycle  # noqa: PLC0415  not pickled with it
        from providers.engine.sdk import answer_side_by_side, speak_plainly  # noqa: PLC0415

        speak_plainly()
        answer_side_by_side()
        self._lifecycle = lifecycle(self._kind, req.config.get)

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Validate; a failure names no property, since the engine would print that property's value."""
        checked = self._lifecycle.check(_plain(_olds), _plain(news))
        return CheckResult(
            pack_properties(checked.inputs), [CheckFailure("", problem) for problem in checked.problems]
        )

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Compare."""
        difference = self._lifecycle.diff(_id, _plain(_olds), _plain(_news))
        return DiffResult(
            changes=difference.changes,
            replaces=difference.replaces,
            delete_before_replace=difference.delete_first,
        )

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Create."""
        object_id, outputs = self._lifecycle.create(_plain(props))
        return CreateResult(object_id, pack_properties(outputs))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Read. What is there becomes the inputs too, so that the next diff sees the drift."""
        from providers.engine.sdk import inputs_in_state  # noqa: PLC0415

        actual = self._lifecycle.read(id_, inputs_in_state("server", "owner") | _plain(props))
        # The SDK breaks on None; an empty id says that the object is gone.
        if actual is None:
            return ReadResult("", {})
        return ReadResult(id_, pack_properties(actual), pack_properties(actual))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Update."""
        return UpdateResult(pack_properties(self._lifecycle.update(_id, _plain(_olds), _plain(_news))))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Delete."""
        from providers.engine.sdk import inputs_in_state  # noqa: PLC0415

        self._lifecycle.delete(_id, inputs_in_state("server", "owner") | _plain(_props))


def _plain(props: dict[str, Any]) -> dict[str, Any]:
    """Return the properties without the pickle, unknowns as they travel, whole numbers as integers."""
    return {key: _known(value) for key, value in props.items() if key != "__provider"}


def _known(value: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() == {EXACT}:
            return unpack(value)
        return {key: _known(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_known(inner) for inner in value]
    # Pulumi's numbers are doubles, and Prefect would keep and show 4.0 threads.
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return UNKNOWN if is_unknown(value) else value
