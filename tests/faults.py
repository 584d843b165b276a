"""A proxy before BigQuery or Prefect that spoils some answers, as a seed says, or is away for a while."""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import select
import socket
import struct
import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.serving import served

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Before: the server never sees the request. After: the server did it, and nobody learns.
BEFORE = ("503 before", "502 before", "429 before", "reset before")
AFTER = ("503 after", "504 after", "reset after", "half an answer", "slow answer")
LATE = "late write"  # the server sees it only after the caller has given up waiting
EVERY_FAULT = (*BEFORE, *AFTER, LATE)
# What Google's and Prefect's own clients are patient with.
FAULTS = ("503 before", "429 before", "reset before", "503 after", "reset after", "slow answer")
# BigQuery says that it is busy with 403, too, which from Prefect would be a refusal.
BIGQUERY_FAULTS = (*FAULTS, "403 before")
_REFUSALS = {
    401: ("authError", "Request had invalid authentication credentials."),
    403: ("rateLimitExceeded", "Exceeded rate limits: too many api requests per user per method."),
    429: ("rateLimitExceeded", "rateLimitExceeded"),
}


@dataclass(frozen=True)
class Request:
    """What a plan is asked about."""

    method: str = "GET"
    path: str = ""
    authorization: str = ""


@dataclass
class Plan:
    """What happens to requests. ``share`` is spoiled; ``slow``, ``gone``, ``token_lives`` are seconds.

    From the request with the number ``gone_at`` on, every connection, websockets too, is cut for ``gone``
    seconds. A token (as `issue_token` makes them) is refused with 401 once it is ``token_lives`` old.
    """

    seed: int = 0
    share: float = 0.0
    faults: Sequence[str] = EVERY_FAULT
    slow: float = 0.6
    writes_only: bool = False
    gone_at: int = 0
    gone: float = 0.0
    token_lives: float | None = None
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._lock = threading.Lock()
        self._back_at = 0.0

    def next(self, request: Request) -> str:
        """The fate of the next request: a fault, or "" for none."""
        with self._lock:
            self.counts["requests"] += 1
            fault = self._fate(request)
            if fault:
                self.counts[fault] += 1
            return fault

    def away(self) -> bool:
        """Whether the server is gone at the moment."""
        return time.time() < self._back_at

    def _fate(self, request: Request) -> str:
        now = time.time()
        if self.gone and self.counts["requests"] == self.gone_at:
            self._back_at = now + self.gone
        spoiled, fault = self._random.random() < self.share, self._random.choice(self.faults)
        if self.away():
            return "gone"
        made = request.authorization.rpartition("-made-")[2]
        if self.token_lives is not None and made and now - float(made) > self.token_lives:
            return "401 before"
        return fault if spoiled and not (self.writes_only and request.method == "GET") else ""


def issue_token() -> dict[str, object]:
    """An answer of the OAuth endpoint, whose token tells its age and promises to live for an hour."""
    return {"access_token": f"token-made-{time.time():.3f}", "expires_in": 3600, "token_type": "Bearer"}


class Proxy(ThreadingHTTPServer):
    """The proxy. Give it another plan at any time. Its address has ``below`` behind the server's own path."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, upstream: str, plan: Plan | None = None, below: str = "") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        parts = urlsplit(upstream)
        self.upstream = (parts.hostname or "", parts.port or 80)
        self.plan = plan or Plan()
        self.below = below
        # A server of Prefect's own has one writer. Behind the address of a workspace it seems to have many.
        self.turn: contextlib.AbstractContextManager[Any] = (
            threading.Lock() if below else contextlib.nullcontext()
        )
        self.url = f"http://127.0.0.1:{self.server_port}{parts.path}{below}"
        self._busy = 0
        self._idle = threading.Condition()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is nothing to print about."""

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Count a request that is being served."""
        with self._idle:
            self._busy += 1
        try:
            yield
        finally:
            with self._idle:
                self._busy -= 1
                self._idle.notify_all()

    def drain(self) -> None:
        """Wait until every late write has arrived."""
        with self._idle:
            assert self._idle.wait_for(lambda: not self._busy, timeout=60)


@contextmanager
def proxy(upstream: str, plan: Plan | None = None, below: str = "") -> Iterator[Proxy]:
    """Run a proxy before the server at ``upstream``; without a plan, it spoils nothing at first."""
    server = Proxy(upstream, plan, below)
    try:
        with served(server):
            yield server
    finally:
        server.drain()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Proxy
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        request = Request(self.command, self.path, self.headers.get("authorization", ""))
        fault = self.server.plan.next(request)
        if fault in {"gone", "reset before"}:
            self._reset()
        elif fault.endswith("before"):
            self._refuse(int(fault[:3]), {"retry-after": "0"})
        elif self.headers.get("upgrade"):
            self._tunnel()
        else:
            with self.server.at_work():
                self._spoil(fault, body)

    def _spoil(self, fault: str, body: bytes) -> None:
        if fault == LATE:
            time.sleep(self.server.plan.slow)
        status, headers, answer = self._forward(body)
        if fault in {LATE, "reset after"}:
            self._reset()
        elif fault.endswith("after"):
            self._refuse(int(fault[:3]), {})
        elif fault == "half an answer":
            self._answer(status, headers, answer, send=len(answer) // 2)
            self._reset()
        else:
            time.sleep(self.server.plan.slow if fault else 0)
            self._answer(status, headers, answer)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815

    def _forward(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        upstream = http.client.HTTPConnection(*self.server.upstream, timeout=120)
        hop = {"connection", "accept-encoding", "transfer-encoding"}
        try:
            headers = {key: value for key, value in self.headers.items() if key.lower() not in hop}
            path = self.path.replace(self.server.below, "", 1)
            with self.server.turn:
                upstream.request(self.command, path, body=body, headers=headers)
                response = upstream.getresponse()
                answer = response.read()
            kept = {key: value for key, value in response.headers.items() if key.lower() not in hop}
            return response.status, kept, answer
        finally:
            upstream.close()

    def _refuse(self, status: int, headers: dict[str, str]) -> None:
        reason, message = _REFUSALS.get(status, ("backendError", "backendError"))
        error = {"code": status, "message": message, "errors": [{"reason": reason, "message": message}]}
        json_ = {"content-type": "application/json", **headers}
        self._answer(status, json_, json.dumps({"error": error}).encode())

    def _answer(self, status: int, headers: dict[str, str], body: bytes, send: int | None = None) -> None:
        try:
            self.send_response_only(status)
            for name, value in headers.items():
                if name.lower() != "content-length":
                    self.send_header(name, value)
            if status not in {204, 304}:
                self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) if send is None else send])
        except OSError:
            self.close_connection = True

    def _tunnel(self) -> None:
        """Pass a websocket through, until one side ends it or the server is away."""
        self.close_connection = True
        headers = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        head = f"{self.command} {self.path} HTTP/1.1\r\n{headers}\r\n"
        with socket.create_connection(self.server.upstream, timeout=30) as upstream:
            upstream.sendall(head.encode())
            ends = {upstream: self.connection, self.connection: upstream}
            while not self.server.plan.away():
                for ready in select.select(list(ends), [], [], 0.05)[0]:
                    data = ready.recv(65536)
                    if not data:
                        return
                    ends[ready].sendall(data)
        self._reset()

    def _reset(self) -> None:
        """Drop the connection so that the other side gets a reset, not an orderly end."""
        self.close_connection = True
        try:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.shutdown(socket.SHUT_RD)
            self.connection.close()
        except OSError:
            pass
