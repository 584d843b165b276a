"""A proxy that stands before a real Prefect server and spoils some of its answers, as a seed says."""

from __future__ import annotations

import http.client
import random
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

# What can happen to a request. Before: the server never sees it. After: the server did it, and nobody learns.
BEFORE = ("503 before", "502 before", "429 before", "reset before")
AFTER = ("503 after", "504 after", "reset after", "half an answer", "slow answer")
LATE = "late write"  # the server sees it only after the caller has given up waiting
EVERY_FAULT = (*BEFORE, *AFTER, LATE)


@dataclass
class Plan:
    """Which requests are spoiled, and how. `share` is the part of the requests; `slow` is in seconds."""

    seed: int
    share: float = 0.3
    faults: tuple[str, ...] = EVERY_FAULT
    slow: float = 0.6
    writes_only: bool = False
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._lock = threading.Lock()

    def next(self, method: str) -> str:
        """The fate of the next request: a fault, or "" for none."""
        with self._lock:
            self.counts["requests"] += 1
            spoiled = self._random.random() < self.share
            fault = self._random.choice(self.faults)
            if not spoiled or (self.writes_only and method == "GET"):
                return ""
            self.counts[fault] += 1
            return fault


class Proxy(ThreadingHTTPServer):
    """The proxy. Give it another plan at any time."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, upstream: str, plan: Plan) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        parts = urlsplit(upstream)
        self.upstream = (parts.hostname or "", parts.port or 80)
        self.plan = plan
        self.url = f"http://127.0.0.1:{self.server_port}{parts.path}"
        self._busy = 0
        self._idle = threading.Condition()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is nothing to print about."""

    @contextmanager
    def at_work(self) -> Iterator[None]:
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
def proxy(upstream: str, plan: Plan) -> Iterator[Proxy]:
    """Run a proxy before the server at `upstream`."""
    server = Proxy(upstream, plan)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.drain()
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Proxy
    # Each answer is one small packet: waiting to fill it would cost 40 ms.
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""

    def _serve(self) -> None:
        with self.server.at_work():
            self._spoil(self.server.plan.next(self.command))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815

    def _spoil(self, fault: str) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if fault == "reset before":
            self._reset()
        elif fault in BEFORE:
            self._answer(int(fault[:3]), {"Retry-After": "0"}, b"{}")
        elif fault == LATE:
            time.sleep(self.server.plan.slow)
            self._forward(body)
            self._reset()
        else:
            self._after(fault, *self._forward(body))

    def _after(self, fault: str, status: int, headers: Mapping[str, str], answer: bytes) -> None:
        if fault == "reset after":
            self._reset()
        elif fault in {"503 after", "504 after"}:
            self._answer(int(fault[:3]), {}, b"{}")
        elif fault == "half an answer":
            self._answer(status, headers, answer, send=len(answer) // 2)
            self._reset()
        else:
            if fault == "slow answer":
                time.sleep(self.server.plan.slow)
            self._answer(status, headers, answer)

    def _forward(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        upstream = http.client.HTTPConnection(*self.server.upstream, timeout=60)
        try:
            kept = ("content-type", "authorization", "accept")
            headers = {key: value for key, value in self.headers.items() if key.lower() in kept}
            upstream.request(self.command, self.path, body=body or None, headers=headers)
            response = upstream.getresponse()
            answer = response.read()
            return response.status, {"Content-Type": response.headers.get("Content-Type", "")}, answer
        finally:
            upstream.close()

    def _answer(self, status: int, headers: Mapping[str, str], body: bytes, send: int | None = None) -> None:
        try:
            self.send_response(status)
            for name, value in headers.items():
                if value:
                    self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) if send is None else send])
        except OSError:
            self.close_connection = True

    def _reset(self) -> None:
        """Drop the connection so that the other side gets a reset, not an orderly end."""
        self.close_connection = True
        try:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.shutdown(socket.SHUT_RD)
            self.connection.close()
        except OSError:
            pass
