"""Who may speak to a server on 127.0.0.1: programs of this user and the server's own pages, nobody else.

Loopback alone keeps out neither a web page, whose browser is on this machine, nor another user of it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import uvicorn
from starlette.datastructures import Headers
from starlette.responses import JSONResponse

from local import peers

if TYPE_CHECKING:
    import socket
    from collections.abc import Collection

    from starlette.types import ASGIApp, Receive, Scope, Send

HOST = "127.0.0.1"
# An idle connection is the client's to close, which httpx does after 5 s. Uvicorn would at the same moment,
# and now and then the server would seem to be away.
IDLE_SECONDS = 60


class Guard:
    """ASGI middleware that refuses requests of other users, by another name, and of other pages.

    ``origin`` is where the server is, such as `http://127.0.0.1:19050`. ``names`` are further hosts that it
    answers for.
    """

    def __init__(self, app: ASGIApp, origin: str, names: Collection[str] = ()) -> None:
        self._app = app
        self._origin = origin
        self._hosts = {origin.removeprefix("http://"), *names}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or refuse it."""
        refusal = None if scope["type"] == "lifespan" else self._refusal(scope)
        if refusal is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": refusal[1]})
        else:
            await JSONResponse({"detail": refusal[1]}, refusal[0])(scope, receive, send)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers = Headers(scope=scope)
        if peers.is_stranger(scope.get("client"), scope.get("server")):
            return 403, f"{self._origin} serves the user {os.getuid()} of this machine alone"
        if headers.getlist("host") not in ([host] for host in self._hosts):
            # A page whose own name leads here (DNS rebinding) would read the answers.
            return 421, f"this server answers at {self._origin} alone"
        if not self._is_own_page(scope, headers):
            return 403, f"pages from elsewhere may not use {self._origin}"
        return None

    def _is_own_page(self, scope: Scope, headers: Headers) -> bool:
        """Tell whether no page, or one of the server's own, sends this. A link from elsewhere may lead here.

        Source: https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Site
        """
        origins = headers.getlist("origin")
        if origins:
            return origins == [self._origin]
        if headers.get("sec-fetch-site", "none") in ("none", "same-origin"):
            return True
        return (
            scope.get("method") == "GET"
            and headers.get("sec-fetch-mode") == "navigate"
            and headers.get("sec-fetch-dest") == "document"
        )


def serve(app: ASGIApp, listener: socket.socket) -> None:
    """Serve HTTP until stopped. The guard needs the connection's own addresses, which no header replaces."""
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        timeout_graceful_shutdown=3,
        timeout_keep_alive=IDLE_SECONDS,
    )
    uvicorn.Server(config).run(sockets=[listener])
