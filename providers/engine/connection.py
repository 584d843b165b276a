"""Where Prefect is, by the stack's configuration or the environment; one connection to it per process."""

from __future__ import annotations

import os
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from providers.api.errors import PrefectError
from providers.engine.block_lifecycle import Lifecycle

if TYPE_CHECKING:
    from providers.api.prefect_client import PrefectClient
    from providers.api.server import Server

Where = tuple[tuple[str, str | None], ...]
SETTINGS = ("prefect:apiUrl", "prefect:apiKey", "prefect:authString")

# Two versions of the pickled provider in one state are two objects in one process; they share what they know.
_LIFECYCLES: dict[Where, Lifecycle] = {}
_GUARD = threading.Lock()


def lifecycle(config: Callable[[str], Any], environment: Mapping[str, str] = os.environ) -> Lifecycle:
    """Return the process's lifecycle for a stack's configuration; `server` says which settings count."""
    settings = whereabouts(config)
    with _GUARD:
        if settings not in _LIFECYCLES:
            _LIFECYCLES[settings] = Lifecycle(lambda: _connect(settings, environment))
        return _LIFECYCLES[settings]


def whereabouts(config: Callable[[str], Any]) -> Where:
    """Return what a stack's configuration says of Prefect."""
    return tuple((name, config(name)) for name in SETTINGS)


def server(settings: Where, environment: Mapping[str, str] = os.environ) -> Server:
    """Return the server to talk to, see `locate`. Raises PrefectError where there is none."""
    from providers.api.server import locate  # noqa: PLC0415  reads files; not before it is needed

    return locate(dict(settings).get, environment)


class PlainErrors:
    """Stands in for the module `traceback` in the SDK's server, which shows users what `format_exc` returns.

    A PrefectError's text is the whole message; anything else is a bug, and keeps its traceback.
    """

    @staticmethod
    def format_exc() -> str:
        """Return what to tell the user about the exception being handled."""
        error = sys.exc_info()[1]
        return str(error) if isinstance(error, PrefectError) else traceback.format_exc()


def speak_plainly() -> None:
    """Let the SDK's server of dynamic providers, if this process is one, show errors plainly."""
    main = sys.modules["__main__"]
    if getattr(main, "DynamicResourceProviderServicer", None) is not None:
        vars(main)["traceback"] = PlainErrors


def _connect(settings: Where, environment: Mapping[str, str]) -> PrefectClient:
    from providers.api.prefect_client import PrefectClient  # noqa: PLC0415  loads httpx, 0.5 s

    return PrefectClient(server(settings, environment))
