"""One lifecycle per kind and server, and one connection per server, in a process."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from providers.engine.connection import Where, server, whereabouts
from providers.engine.lifecycle import ObjectLifecycle
from providers.kinds.registry import KINDS

if TYPE_CHECKING:
    from providers.api.http import Requests

_LIFECYCLES: dict[tuple[str, Where], ObjectLifecycle] = {}
_CONNECTIONS: dict[Where, Requests] = {}
_GUARD = threading.Lock()


def lifecycle(
    kind: str, config: Callable[[str], Any], environment: Mapping[str, str] = os.environ
) -> ObjectLifecycle:
    """Return the process's lifecycle for a kind of object; `server` says where."""
    where = whereabouts(config)
    with _GUARD:
        key = (kind, where)
        if key not in _LIFECYCLES:
            _LIFECYCLES[key] = ObjectLifecycle(KINDS[kind], lambda: _connect(where, environment))
        return _LIFECYCLES[key]


def _connect(where: Where, environment: Mapping[str, str]) -> Requests:
    from providers.api.http import Requests  # noqa: PLC0415  loads httpx, 0.5 s

    with _GUARD:
        if where not in _CONNECTIONS:
            _CONNECTIONS[where] = Requests(server(where, environment))
        return _CONNECTIONS[where]
