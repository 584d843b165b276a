"""The dynamic provider that Pulumi pickles into its state.

What runs at refresh and delete is the pickle in the state. So it must stay loadable, and it is no more than
this class's name: never move or rename `PrefectBlockProvider`, and give it no state of its own.
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

from providers.values import EXACT, UNKNOWN, unpack

if TYPE_CHECKING:
    from providers.engine.block_lifecycle import Lifecycle


class PrefectBlockProvider(ResourceProvider):
    """Hand each of the engine's calls to the project's own code."""

    # It captures no secret: it captures nothing.
    serialize_as_secret_always = False

    _lifecycle: Lifecycle

    def __reduce__(self) -> tuple[type[PrefectBlockProvider], tuple[()]]:
        return PrefectBlockProvider, ()

    def configure(self, req: ConfigureRequest) -> None:
        """Remember where Prefect is. Nothing is connected to, and nothing is refused, before it is needed."""
        from providers.engine.connection import lifecycle, speak_plainly  # noqa: PLC0415  not pickled with it

        speak_plainly()
        self._lifecycle = lifecycle(req.config.get)

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Validate; a failure names no property, since the engine would print that property's value."""
        checked = self._lifecycle.check(_plain(_olds), _plain(news))
        return CheckResult(checked.inputs, [CheckFailure("", problem) for problem in checked.problems])

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Compare. The provider's own text is no part of it, so that moved code changes nothing."""
        difference = self._lifecycle.diff(_id, _plain(_olds), _plain(_news))
        return DiffResult(
            changes=difference.changes, replaces=difference.replaces, delete_before_replace=False
        )

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Create."""
        return CreateResult(*self._lifecycle.create(_plain(props)))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Read. What is there becomes the inputs too, so that the next diff sees the drift."""
        actual = self._lifecycle.read(id_, _plain(props))
        # The SDK breaks on None; an empty id says that the block is gone.
        return ReadResult("", {}) if actual is None else ReadResult(id_, actual, dict(actual))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Update."""
        return UpdateResult(self._lifecycle.update(_id, _plain(_news)))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Delete."""
        self._lifecycle.delete(_id)


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
