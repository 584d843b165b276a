"""A web server of this machine that keeps what it is sent."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.serving import served


class Sink:
    """What arrived, oldest first, and where to send it."""

    def __init__(self, url: str, bodies: list[str]) -> None:
        self.url = url
        self.bodies = bodies

    def wait(self, wanted: Callable[[str], bool], seconds: float = 120.0) -> str:
        """The first body that is wanted, once it is there."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for body in list(self.bodies):
                if wanted(body):
                    return body
            time.sleep(0.2)
        raise AssertionError(f"nothing of the kind arrived within {seconds:.0f} s, but: {self.bodies}")


@contextmanager
def running() -> Iterator[Sink]:
    """Listen on a free port until the block ends."""
    bodies: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers.get("content-length", 0))).decode())
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with served(server):
        yield Sink(f"http://127.0.0.1:{server.server_port}/", bodies)
