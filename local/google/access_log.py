"""One line for each request: method, path, status, caller. Never a query string, a header or a body."""

from __future__ import annotations

import logging
import re
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_log = logging.getLogger("local.google")
# A machine's address is as good as its token (local.google.sign_in.metadata).
_MACHINE = re.compile(r"(?<=/machines/)[^/]+")


class AccessLog:
    """ASGI middleware that writes the line once the answer has been sent."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request and log it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500
        began = time.perf_counter()

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            caller = scope.get("state", {}).get("caller", "-")
            spent = (time.perf_counter() - began) * 1000
            path = _MACHINE.sub("…", scope["path"])
            _log.info("%s %s %d %s %.0fms", scope["method"], path, status, caller, spent)
