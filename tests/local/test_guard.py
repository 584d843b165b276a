from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from local import peers
from local.guard import Guard
from tests.local.google.in_process import at_no_port

OWN = "http://127.0.0.1:19050"


async def hello(_: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("hello")
    await websocket.close()


APP = at_no_port(
    Guard(
        Starlette(routes=[Route("/", hello, methods=["GET", "POST"]), WebSocketRoute("/events", talk)]),
        OWN,
        ["iamcredentials.googleapis.com"],
    )
)


def status(method: str, headers: dict[str, str]) -> int:
    async def ask() -> int:
        transport = httpx.ASGITransport(APP)
        async with httpx.AsyncClient(transport=transport, base_url=OWN) as client:
            return (await client.request(method, "/", headers=headers)).status_code

    return asyncio.run(ask())


@pytest.mark.parametrize("host", ["127.0.0.1:19050", "iamcredentials.googleapis.com"])
def test_its_own_names_are_served(host: str) -> None:
    assert status("POST", {"Host": host}) == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:19050", "127.0.0.1", "127.0.0.1:80", "localhost:19050", "", "[::1]"],
)
def test_another_name_is_refused(host: str) -> None:
    assert status("GET", {"Host": host}) == 421


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:8000", f"{OWN}0", ""])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_pages_from_elsewhere_are_refused(method: str, origin: str) -> None:
    assert status(method, {"Origin": origin}) == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize(
    ("method", "mode", "target"),
    [("GET", "no-cors", "image"), ("GET", "navigate", "iframe"), ("POST", "navigate", "document")],
)
def test_what_a_page_sends_without_an_origin_is_refused(
    site: str, method: str, mode: str, target: str
) -> None:
    sent = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": target}
    assert status(method, sent) == 403


@pytest.mark.parametrize(
    "sent",
    [
        {"Origin": OWN, "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},
        {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
    ],
)
def test_its_own_page_typed_addresses_and_links_are_served(sent: dict[str, str]) -> None:
    assert status("GET", sent) == 200


def opens_websocket(origin: str) -> bool:
    """Whether the app takes a websocket of a page."""
    said: list[str] = []

    async def receive() -> dict[str, str]:
        return {"type": "websocket.connect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        said.append(str(message["type"]))

    headers = [(b"host", b"127.0.0.1:19050"), (b"origin", origin.encode())]
    scope: dict[str, Any] = {"type": "websocket", "path": "/events", "headers": headers, "subprotocols": []}
    scope |= {"client": ("127.0.0.1", 1), "query_string": b""}

    async def ask() -> None:
        await APP(scope, receive, send)

    asyncio.run(ask())
    return said[0] == "websocket.accept"


def test_a_page_from_elsewhere_opens_no_websocket() -> None:
    assert opens_websocket(OWN)
    assert not opens_websocket("http://evil.example")


@contextmanager
def connection(uid: int) -> Iterator[tuple[peers.Address, peers.Address]]:
    """The addresses of a connection whose client is of this user."""
    own = os.geteuid()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        os.seteuid(uid)
        try:
            client = socket.create_connection(listener.getsockname())
        finally:
            os.seteuid(own)
        with client, listener.accept()[0] as accepted:
            yield accepted.getpeername(), accepted.getsockname()


def test_this_user_is_no_stranger() -> None:
    with connection(os.geteuid()) as (client, server):
        assert not peers.is_stranger(client, server)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
def test_another_user_is_a_stranger() -> None:
    with connection(65534) as (client, server):
        assert peers.is_stranger(client, server)


def test_who_has_hung_up_is_a_stranger() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as client,
        listener.accept()[0] as accepted,
    ):
        addresses = accepted.getpeername(), accepted.getsockname()
        client.close()
        assert peers.is_stranger(*addresses)


def test_addresses_that_are_not_of_this_machine_are_strangers() -> None:
    assert peers.is_stranger(("192.0.2.7", 1), ("127.0.0.1", 2))
    assert peers.is_stranger(None, ("127.0.0.1", 2))
