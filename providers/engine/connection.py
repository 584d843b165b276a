"""Where Prefect is, by the stack's configuration or the environment; one connection to it per process."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from providers.api.errors import PrefectError
from providers.engine.claims import of_user
from providers.engine.lifecycle import Lifecycle
from providers.engine.place import place
from providers.kinds.registry import kind_named

if TYPE_CHECKING:
    from providers.api.http import Requests
    from providers.api.server import Server

Where = tuple[tuple[str, str | None], ...]
SETTINGS = ("prefect:apiUrl", "prefect:apiKey", "prefect:authString")

# Several pickles of a kind in one state are as many objects in one process; they share what they know.
_LIFECYCLES: dict[tuple[str, Where], Lifecycle] = {}
_CONNECTIONS: dict[Where, Requests] = {}
_GUARD = threading.Lock()


def lifecycle(
    kind: str, config: Callable[[str], Any], environment: Mapping[str, str] = os.environ
) -> Lifecycle:
    """Return the process's lifecycle for a kind of object; `server` says which settings count.

    PREFECT_MOVED_FROM holds addresses, one or several, that the stack's objects have moved away from.
    """
    where = whereabouts(config)
    former = environment.get("PREFECT_MOVED_FROM", "").replace(",", " ").split()
    with _GUARD:
        key = (kind, where)
        if key not in _LIFECYCLES:
            _LIFECYCLES[key] = Lifecycle(
                kind_named(kind),
                lambda: _connect(where, environment),
                here=_here(where, environment),
                former=frozenset(map(place, former)),
                claims=of_user(environment),
            )
        return _LIFECYCLES[key]


def whereabouts(config: Callable[[str], Any]) -> Where:
    """Return what a stack's configuration says of Prefect."""
    return tuple((name, config(name)) for name in SETTINGS)


def server(settings: Where, environment: Mapping[str, str] = os.environ) -> Server:
    """Return the server to talk to, see `locate`. Raises PrefectError where there is none."""
    from providers.api.server import locate  # noqa: PLC0415  reads files; not before it is needed

    return locate(dict(settings).get, environment)


def _here(where: Where, environment: Mapping[str, str]) -> str:
    """Name the server; "" where none is set, which whatever needs one says."""
    try:
        return place(server(where, environment).api_url)
    except PrefectError:
        return ""


def _connect(where: Where, environment: Mapping[str, str]) -> Requests:
    from providers.api.http import Requests  # noqa: PLC0415  loads httpx, 0.5 s

    with _GUARD:
        if where not in _CONNECTIONS:
            _CONNECTIONS[where] = Requests(server(where, environment))
        return _CONNECTIONS[where]
