"""Where Prefect is, by the stack's configuration or the environment; one connection to it per process."""

from __future__ import annotations

import os
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from providers.api.errors import NotPrefectError, PrefectError
from providers.engine.block_lifecycle import Lifecycle

if TYPE_CHECKING:
    from providers.api.http import Server
    from providers.api.prefect_client import PrefectClient

# Two versions of the pickled provider in one state are two objects in one process; they share what they know.
_LIFECYCLES: dict[tuple[str | None, ...], Lifecycle] = {}
_GUARD = threading.Lock()


def lifecycle(config: Callable[[str], Any], environment: Mapping[str, str] = os.environ) -> Lifecycle:
    """Return the process's lifecycle for a stack's configuration; `whereabouts` says which settings count."""
    settings = whereabouts(config, environment)
    with _GUARD:
        if settings not in _LIFECYCLES:
            _LIFECYCLES[settings] = Lifecycle(lambda: _connect(*settings))
        return _LIFECYCLES[settings]


def whereabouts(
    config: Callable[[str], Any], environment: Mapping[str, str] = os.environ
) -> tuple[str | None, str | None, str | None]:
    """Return Prefect's address, key and password for a stack's configuration.

    `prefect:apiUrl`, else PREFECT_API_URL, is the address. The key is PREFECT_API_KEY, else the secret
    `prefect:apiKey`; a self-hosted server with a password takes PREFECT_API_AUTH_STRING, else the secret
    `prefect:authString`.
    """
    return (
        config("prefect:apiUrl") or environment.get("PREFECT_API_URL"),
        environment.get("PREFECT_API_KEY") or config("prefect:apiKey"),
        environment.get("PREFECT_API_AUTH_STRING") or config("prefect:authString"),
    )


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


def _connect(api_url: str | None, api_key: str | None, auth_string: str | None) -> PrefectClient:
    from providers.api.prefect_client import PrefectClient  # noqa: PLC0415  loads httpx, 0.5 s

    return PrefectClient(server(api_url, api_key, auth_string))


def server(api_url: str | None, api_key: str | None, auth_string: str | None) -> Server:
    """Return the server to talk to. Raises NotPrefectError where no address is set."""
    from providers.api.http import Server  # noqa: PLC0415  loads httpx, 0.5 s

    if not api_url:
        raise NotPrefectError(
            "where is Prefect? Set its address with `pulumi config set prefect:apiUrl "
            "http://127.0.0.1:4200/api`, or PREFECT_API_URL"
        )
    return Server(api_url.rstrip("/"), api_key or None, auth_string or None)
