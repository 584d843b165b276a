"""Requests to one Prefect API: its address, its key, and patience with a server that is busy or away."""

from __future__ import annotations

import base64
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from providers.api.errors import NotPrefectError, PrefectError, RefusedError, RejectedError, UnreachableError

RETRYABLE = {429, 502, 503, 504}
CONNECT_TIMEOUT = 5.0  # seconds
ANSWER_TIMEOUT = 30.0  # seconds
PATIENCE = 60.0  # seconds of retrying one request that does get answers
DOWN_PATIENCE = 6.0  # seconds of retrying one request while nobody listens
FIRST_PAUSE = 0.1  # seconds, doubled by each attempt
LONGEST_PAUSE = 5.0  # seconds

# SQLite has one writer, and Prefect answers 503 to the others, sometimes after having written: it is faster
# to take turns. One lock for each server, since a process may hold several clients of it.
_TURNS: dict[str, threading.Lock] = {}
_TURNS_GUARD = threading.Lock()


@dataclass(frozen=True)
class Server:
    """Where Prefect's API is and how to sign in. Its representation shows neither key nor password."""

    api_url: str
    api_key: str | None = field(default=None, repr=False)
    auth_string: str | None = field(default=None, repr=False)

    def headers(self) -> dict[str, str]:
        """Return the header that signs in; as in Prefect's own client, `user:password` goes before a key."""
        if self.auth_string:
            return {"Authorization": f"Basic {base64.b64encode(self.auth_string.encode()).decode()}"}
        if self.api_key:
            return {"Authorization": f"Bearer {self.api_key}"}
        return {}

    @property
    def is_cloud(self) -> bool:
        """Prefect Cloud's addresses name a workspace; its database has many writers."""
        return "/workspaces/" in self.api_url


class Lost(Exception):  # noqa: N818  not an error: a state of knowledge, caught where the request was made
    """The server may or may not have done what the request asked for."""

    def __init__(self, reason: str, *, after: float = 0.0, down: bool = False) -> None:
        super().__init__(reason)
        self.after = after
        self.down = down


class Requests:
    """Send requests to one server, again where that is safe. Safe to share between threads.

    `transport`, `sleep`, `clock` and `jitter` are handed in by tests.
    """

    def __init__(
        self,
        server: Server,
        *,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        jitter: random.Random | None = None,
        answer_timeout: float = ANSWER_TIMEOUT,
    ) -> None:
        self.server = server
        self._http = httpx.Client(
            base_url=_address(server.api_url),
            headers=server.headers(),
            timeout=httpx.Timeout(answer_timeout, connect=CONNECT_TIMEOUT),
            transport=transport,
            # A proxy meant for the internet must not see keys meant for a server on this machine.
            trust_env=server.is_cloud,
        )
        self._sleep = sleep
        self._clock = clock
        self._jitter = jitter or random.Random()  # noqa: S311  spreads retries, guards nothing
        with _TURNS_GUARD:
            self._turn = _TURNS.setdefault(server.api_url, threading.Lock())

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def send(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, str] | None = None,
        accept: frozenset[int] = frozenset(),
        look: Callable[[], httpx.Response | None] | None = None,
    ) -> httpx.Response:
        """Send a request until it has an answer, and return it: 2xx, or a status in `accept`.

        `look` is for requests that must not be done twice: called when an answer was lost, it returns a
        response that shows that the request was done, or None. Raises a `PrefectError` for everything else.
        """
        start = self._clock()
        pause = FIRST_PAUSE
        maybe_done = False
        while True:
            try:
                return self._once(method, path, json, params, accept)
            except Lost as reason:
                lost = reason
            maybe_done = maybe_done or not lost.down
            waited = self._clock() - start
            out_of_patience = waited > (DOWN_PATIENCE if lost.down else PATIENCE)
            if not out_of_patience:
                self._sleep(max(self._jitter.uniform(pause / 4, pause), lost.after))
                pause = min(pause * 2, LONGEST_PAUSE)
            found = look() if look and maybe_done else None
            if found is not None:
                return found
            if out_of_patience:
                raise self._given_up(lost, waited)

    def _once(
        self, method: str, path: str, json: Any, params: Mapping[str, str] | None, accept: frozenset[int]
    ) -> httpx.Response:
        try:
            if method == "GET" or path.endswith("/filter") or self.server.is_cloud:
                response = self._http.request(method, path, json=json, params=params)
            else:
                with self._turn:
                    response = self._http.request(method, path, json=json, params=params)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise Lost(_reason(error), down=True) from None
        except httpx.TransportError as error:
            if isinstance(error, httpx.UnsupportedProtocol | httpx.LocalProtocolError):
                raise NotPrefectError(
                    f"prefect:apiUrl: {self.server.api_url!r} is not an http(s) address"
                ) from None
            raise Lost(_reason(error)) from None
        except httpx.InvalidURL:
            raise NotPrefectError(
                f"prefect:apiUrl: {self.server.api_url!r} is not an http(s) address"
            ) from None
        if response.status_code in RETRYABLE:
            raise Lost(f"HTTP {response.status_code}", after=_retry_after(response))
        self._judge(response, accept, json)
        return response

    def _judge(self, response: httpx.Response, accept: frozenset[int], sent: Any) -> None:
        status = response.status_code
        if status in {401, 403}:
            raise RefusedError(
                f"Prefect at {self.server.api_url} refused this request (HTTP {status}): set "
                "PREFECT_API_KEY, or PREFECT_API_AUTH_STRING for a self-hosted server, or `pulumi config set "
                "--secret prefect:apiKey …`"
            )
        if _is_foreign(response):
            raise NotPrefectError(
                f"{self.server.api_url} answers, but not as Prefect's API does (HTTP {status}): does "
                "prefect:apiUrl end in /api, or for Prefect Cloud in /accounts/<id>/workspaces/<id>?"
            )
        if not (response.is_success or status in accept):
            raise RejectedError(
                f"Prefect at {self.server.api_url} declined {response.request.method} "
                f"{response.request.url.path}: HTTP {status}{_without(_detail(response), sent)}"
            )

    def _given_up(self, lost: Lost, waited: float) -> PrefectError:
        if lost.down:
            return UnreachableError(
                f"Prefect at {self.server.api_url} can't be reached ({lost}). Start it (`python -m local up` "
                "for the local stack) or set its address: `pulumi config set prefect:apiUrl <url>/api`"
            )
        return RejectedError(
            f"Prefect at {self.server.api_url} kept failing for {waited:.0f} s, at last with: {lost}. Run "
            "the same command again when the server is well"
        )


def _address(api_url: str) -> httpx.URL:
    try:
        address = httpx.URL(api_url)
    except httpx.InvalidURL:
        address = httpx.URL("")
    if address.scheme not in {"http", "https"} or not address.host:
        raise NotPrefectError(f"prefect:apiUrl: {api_url!r} is no address like http://127.0.0.1:4200/api")
    return address


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__


def _retry_after(response: httpx.Response) -> float:
    """Return the seconds a 429 or 503 asks for, at most 30."""
    try:
        return min(float(response.headers.get("Retry-After", 0)), 30.0)
    except ValueError:
        return 0.0


def _is_foreign(response: httpx.Response) -> bool:
    """Tell whether this is no answer of a Prefect API: no JSON, or a 404 for a path it does not have."""
    if response.status_code >= 500 or not response.content:
        return response.status_code == 404
    try:
        body = response.json()
    except ValueError:
        return True
    return response.status_code == 404 and body == {"detail": "Not Found"}


def _detail(response: httpx.Response) -> str:
    """Return Prefect's own words without the input, which a validation error would quote."""
    try:
        body = response.json()
    except ValueError:
        return ""
    detail = body.get("detail", body.get("exception_message", "")) if isinstance(body, dict) else ""
    if isinstance(detail, list):
        return "".join(
            f"; {'.'.join(map(str, item.get('loc', [])))}: {item.get('msg', '')}"
            for item in detail
            if isinstance(item, dict)
        )
    return f"; {detail}" if detail else ""


def _without(text: str, sent: Any) -> str:
    """Return the text with everything that was sent as a block's data blotted out."""
    for value in sorted(
        _strings(sent.get("data") if isinstance(sent, dict) else None), key=len, reverse=True
    ):
        text = text.replace(value, "[secret]")
    return text


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str) and len(value) >= 4:
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
