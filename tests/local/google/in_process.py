"""Calls an ASGI app without a server and without async tests."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import ASGIApp, Receive, Scope, Send


def at_no_port(app: ASGIApp) -> ASGIApp:
    """Serve where nobody listens: at the platform's own port, the kernel may know a platform's socket."""

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "server": ("127.0.0.1", 0)}, receive, send)

    return served


class InProcess(httpx.BaseTransport):
    """A transport for httpx.Client that runs each request to its end in an event loop of its own."""

    def __init__(self, app: FastAPI) -> None:
        self._app = httpx.ASGITransport(at_no_port(app), raise_app_exceptions=True)
        self._loop = asyncio.new_event_loop()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._loop.run_until_complete(self._send(request))

    def close(self) -> None:
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    async def _send(self, request: httpx.Request) -> httpx.Response:
        answer = await self._app.handle_async_request(request)
        content = await answer.aread()
        return httpx.Response(answer.status_code, headers=answer.headers, content=content)
