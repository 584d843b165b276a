"""One HTTP client for the Google services this plugin calls."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from local.gcp_plugin.config import ENDPOINT_KEYS, Config
from local.gcp_plugin.errors import GoogleError, PluginError
from local.plain_http import NO_CERTIFICATES

if TYPE_CHECKING:
    import httpx

_TIMEOUT_SECONDS = 60.0
_ATTEMPTS = 4
_FIRST_WAIT_SECONDS = 0.2
_BUSY = frozenset({429, 500, 502, 503, 504})
_REPEATABLE = frozenset({"GET", "PUT", "PATCH", "DELETE"})


class Google:
    """Calls Google's REST services at the configured addresses, as the configured user.

    Busy answers (429, 5xx) and lost connections are tried again where repeating does no harm. What then
    remains is raised as GoogleError (the service answered) or PluginError (it did not).
    """

    def __init__(self, config: Config, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.config = config
        self._transport = transport
        self._client: httpx.AsyncClient | None = None
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def lock(self, name: str) -> asyncio.Lock:
        """Return the lock that serialises read-modify-write of the policy called `name`."""
        return self._locks[name]

    async def call(
        self,
        service: str,
        method: str,
        path: str,
        *,
        doing: str,
        body: Any = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool | None = None,
    ) -> dict[str, Any]:
        """Call `method` `path` (without the version) and return the JSON answer.

        `doing` opens an error's text; `repeatable` says that a POST may be sent twice.
        """
        import httpx  # noqa: PLC0415  half a second that a plain `check` need not wait for

        url = f"{self.config.endpoint(service)}/{path}"
        again = method in _REPEATABLE if repeatable is None else repeatable
        for attempt in range(1, _ATTEMPTS + 1):
            last = attempt == _ATTEMPTS
            try:
                response = await self._http().request(
                    method, url, json=body, params=params, headers=self._headers(headers)
                )
            except httpx.TransportError as error:
                # A refused connection never reached the service.
                if last or not (again or isinstance(error, httpx.ConnectError)):
                    raise PluginError(_unreachable(service, doing, method, url, error)) from error
            else:
                if response.is_success:
                    return _json(response)
                if last or not again or response.status_code not in _BUSY:
                    raise _refusal(response, doing, f"{method} {path}")
            await asyncio.sleep(_FIRST_WAIT_SECONDS * 2 ** (attempt - 1) * random.uniform(0.5, 1.5))  # noqa: S311
        raise AssertionError("the last attempt returns or raises")

    def _http(self) -> httpx.AsyncClient:
        import httpx  # noqa: PLC0415

        if self._client is None:
            plain = all(address.startswith("http:") for address in self.config.endpoints.values())
            # Local endpoints only: a proxy or a .netrc of the user's must not come between.
            self._client = httpx.AsyncClient(
                timeout=_TIMEOUT_SECONDS,
                transport=self._transport,
                verify=NO_CERTIFICATES if plain else True,
                trust_env=False,
            )
        return self._client

    def _headers(self, extra: Mapping[str, str] | None) -> dict[str, str]:
        if not self.config.access_token:
            raise PluginError(
                "no access token: set GOOGLE_OAUTH_ACCESS_TOKEN, "
                "or: pulumi config set --secret gcp:accessToken TOKEN"
            )
        return {"Authorization": f"Bearer {self.config.access_token}", **(extra or {})}


def _json(response: httpx.Response) -> dict[str, Any]:
    if not response.content:
        return {}
    answer = response.json()
    return answer if isinstance(answer, dict) else {}


def _refusal(response: httpx.Response, doing: str, call: str) -> GoogleError:
    try:
        error = response.json()["error"]
        detail = str(error["message"])
    except (ValueError, KeyError, TypeError):
        return GoogleError(doing, call, response.status_code, response.text[:200] or response.reason_phrase)
    errors = error.get("errors") or [{}]
    return GoogleError(doing, call, response.status_code, detail, str(errors[0].get("reason", "")))


def _unreachable(service: str, doing: str, method: str, url: str, error: Exception) -> str:
    keys = " or ".join(f"gcp:{key}" for key in ENDPOINT_KEYS[service])
    return (
        f"{doing}: {method} {url}: no answer ({error or type(error).__name__}). "
        f"Is the local platform up (python -m local up) and {keys} right?"
    )
