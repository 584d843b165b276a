"""Put a function of ours in the place of one of dbt's, for a while."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from flows.engine.internals import READ_IN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def replaced(owner: Any, name: str, make: Callable[[Any], Any]) -> Iterator[None]:
    """Let ``make(original)`` stand for the attribute ``name`` of a class or module while the block runs.

    Raises RuntimeError where the class itself has no such attribute: to set it would have no effect.
    """
    original = vars(owner).get(name)
    if original is None:
        read_in = ", ".join(f"{package} {version}" for package, version in READ_IN.items())
        raise RuntimeError(
            f"{getattr(owner, '__module__', '')} {owner.__name__} of this dbt has no {name}: "
            f"flows/engine/internals was read in {read_in}"
        )
    setattr(owner, name, make(original))
    try:
        yield
    finally:
        setattr(owner, name, original)
