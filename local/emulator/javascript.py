"""Patch: a JavaScript function is made on the engine's first connection, and can be replaced and dropped.

DuckDB lets a connection remove only the functions that it has made itself, and `sessions.py` gives every job
a connection of its own.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from bqemulator.udf.js_udf import JavaScriptUDFRuntime

from local.emulator import sessions

if TYPE_CHECKING:
    from collections.abc import Callable


def patch() -> None:
    """Make and remove functions there."""
    JavaScriptUDFRuntime.materialize = _there(JavaScriptUDFRuntime.materialize)
    JavaScriptUDFRuntime.deregister = _there(JavaScriptUDFRuntime.deregister)


def _there(method: Callable[..., None]) -> Callable[..., None]:
    def on_first(self: Any, routine: Any, engine: Any) -> None:
        method(self, routine, SimpleNamespace(connection=sessions.first_connection(engine)))

    return on_first
