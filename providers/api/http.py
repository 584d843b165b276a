"""Requests to one Prefect API, with patience for a server that is busy or away."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from providers.api.answers import judge, words
from providers.api.errors import PrefectError, RejectedError, UnreachableError
from providers.api.server import Server
from providers.api.wire import Wire

RETRYABLE = {408, 429, 502, 503, 504}
ANSWER_TIMEOUT = 30.0  # seconds
PATIENCE = 60.0  # seconds of retrying one request that does get answers
DOWN_PATIENCE = 6.0  # seconds of retrying one request while nobody listens
FIRST_PAUSE = 0.1  # seconds, doubled by each attempt
LONGEST_PAUSE = 5.0  # seconds

# SQLite has one writer, and Prefect answers 503 to the others, sometimes after having written: it is faster
# to take turns. One lock for each server, since a process may hold several clients of it.
_TURNS: dict[str, threading.Lock] = {}
_TURNS_GUARD = threading.Lock()


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
        self._wire = Wire(server, transport=transport, answer_timeout=answer_timeout)
        self._reaching = threading.Lock()
        self._reached: bool | PrefectError | None = None
        self._sleep = sleep
        self._clock = clock
        self._jitter = jitter or random.Random()  # noqa: S311  spreads retries, guards nothing
        with _TURNS_GUARD:
            self._turn = _TURNS.setdefault(server.api_url, threading.Lock())

    def reach(self) -> None:
        """Ask once, whoever asks first, whether Prefect is there and lets this program in.

        Raises a PrefectError if not, and the same one each time.
        """
        with self._reaching:
            if self._reached is None:
                try:
                    # Needs the right to see flows, which every role in Prefect Cloud has, and a CSRF token.
                    self.send("POST", "/flows/filter", json={"limit": 1})
                    self._reached = True
                except PrefectError as error:
                    self._reached = error
        if isinstance(self._reached, PrefectError):
            raise self._reached

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

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
        reads = method == "GET" or path.endswith("/filter")
        turn = contextlib.nullcontext() if reads or self.server.is_cloud else self._turn
        try:
            with turn:
                response = self._wire.exchange(method, path, json, params)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise Lost(self._wire.how(error), down=True) from None
        except httpx.TransportError as error:
            raise Lost(self._wire.how(error)) from None
        if response.status_code in RETRYABLE:
            raise Lost(f"HTTP {response.status_code}{words(response)}", after=_retry_after(response))
        judge(self.server, response, accept, json)
        return response

    def _given_up(self, lost: Lost, waited: float) -> PrefectError:
        if lost.down:
            return UnreachableError(
                f"Prefect at {self.server.api_url} can't be reached ({lost}). Start it (`python -m local up` "
                f"for the local stack) or set its address, which {self.server.place} says: "
                "`pulumi config set prefect:apiUrl <url>/api`"
            )
        return RejectedError(
            f"Prefect at {self.server.api_url} kept failing for {waited:.0f} s, at last with: {lost}. Run "
            "the same command again when the server is well"
        )


def _retry_after(response: httpx.Response) -> float:
    """Return the seconds a 429 or 503 asks for, at most 30."""
    try:
        return min(float(response.headers.get("Retry-After", 0)), 30.0)
    except ValueError:
        return 0.0
