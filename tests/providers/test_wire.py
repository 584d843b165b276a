"""Certificates, proxies, CSRF tokens, redirects and custom headers, before stand-ins on this machine."""

from __future__ import annotations

import json
import select
import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from providers.api.errors import NotPrefectError, RefusedError, UnreachableError
from providers.api.http import Requests
from providers.api.server import Server
from tests.serving import served

HOST = "prefect.inside.test"


class StandIn(ThreadingHTTPServer):
    """Answers every request with what it got; a proxy too, which leads each tunnel to `behind`."""

    daemon_threads = True

    def __init__(self, behind: int | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behind = behind
        self.tunnels: list[str] = []
        self.proxy_status = 200


class _Handler(BaseHTTPRequestHandler):
    server: StandIn

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""

    def do_GET(self) -> None:
        body = json.dumps({"path": self.path, "headers": dict(self.headers)}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_CONNECT(self) -> None:
        self.server.tunnels.append(self.path)
        self.send_response(self.server.proxy_status)
        self.end_headers()
        if self.server.proxy_status != 200:
            return
        with socket.create_connection(("127.0.0.1", int(self.server.behind or 0))) as onward:
            ends = {self.connection: onward, onward: self.connection}
            while readable := select.select([*ends], [], [], 10)[0]:
                for end in readable:
                    if not (data := end.recv(65536)):
                        return
                    ends[end].sendall(data)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[StandIn, Path]]:
    """A server with a certificate of a private authority, and the file of that authority."""
    private = trustme.CA()
    file = tmp_path_factory.mktemp("authority") / "authority.pem"
    private.cert_pem.write_to_path(str(file))
    server = StandIn()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    private.issue_cert("127.0.0.1", HOST).configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with served(server):
        yield server, file


@pytest.fixture
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def asked(server: Server) -> dict[str, Any]:
    """What a server got."""
    requests = Requests(server, sleep=lambda _: None)
    try:
        found: dict[str, Any] = requests.send("GET", "/x").json()
    finally:
        requests.close()
    return found


def test_a_certificate_of_a_private_authority(authority: tuple[StandIn, Path]) -> None:
    server, file = authority
    url = f"https://127.0.0.1:{server.server_port}/api"
    with pytest.raises(UnreachableError, match=r"certificate .* is not trusted .*PREFECT_API_SSL_CERT_FILE"):
        asked(Server(url))
    assert asked(Server(url, ca_file=str(file)))["path"] == "/api/x"
    assert asked(Server(url, verify=False))["path"] == "/api/x"


def test_a_file_that_holds_no_certificates(tmp_path: Path) -> None:
    for text in (None, "none"):
        file = tmp_path / "authority.pem"
        if text:
            file.write_text(text)
        with pytest.raises(UnreachableError, match=r"authority\.pem can't be read as certificates"):
            asked(Server("https://127.0.0.1:1/api", ca_file=str(file)))


@pytest.mark.usefixtures("no_proxy")
def test_a_proxy_to_the_outside(authority: tuple[StandIn, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    server, file = authority
    with served(StandIn(behind=server.server_port)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:s3cret@127.0.0.1:{proxy.server_port}")
        assert asked(Server(f"https://{HOST}/api", ca_file=str(file)))["headers"]["Host"] == HOST
        assert proxy.tunnels == [f"{HOST}:443"]
        # What is on this machine is reached past it.
        asked(Server(f"https://127.0.0.1:{server.server_port}/api", ca_file=str(file)))
        assert len(proxy.tunnels) == 1
        proxy.proxy_status = 407
        with pytest.raises(UnreachableError, match=r"through the proxy http://127\.0.*HTTPS_PROXY") as raised:
            asked(Server(f"https://{HOST}/api", ca_file=str(file)))
        assert "s3cret" not in str(raised.value)


@pytest.mark.usefixtures("no_proxy")
def test_a_proxy_that_is_away_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://me:s3cret@127.0.0.1:1")
    clock = iter(range(0, 1000, 5))
    requests = Requests(Server(f"https://{HOST}/api"), sleep=lambda _: None, clock=lambda: next(clock))
    with pytest.raises(UnreachableError, match=r"through the proxy http://127\.0\.0\.1:1\)") as raised:
        requests.send("GET", "/x")
    assert "s3cret" not in str(raised.value)


@pytest.mark.usefixtures("no_proxy")
def test_a_proxy_of_a_kind_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "gopher://me:s3cret@127.0.0.1:1")
    with pytest.raises(UnreachableError, match=r"the proxy gopher://127\.0\.0\.1:1 can.t be used") as raised:
        Requests(Server(f"https://{HOST}/api"))
    assert "s3cret" not in str(raised.value)


def test_custom_headers_go_before_a_key() -> None:
    with served(StandIn()) as server:
        url = f"http://127.0.0.1:{server.server_port}/api"
        headers = (("CF-Access-Client-Id", "us"), ("Authorization", "Bearer gate"))
        got = asked(Server(url, api_key="key", custom_headers=headers))["headers"]
    assert (got["cf-access-client-id"], got["authorization"]) == ("us", "Bearer gate")


class Guarded:
    """A server that wants tokens against cross-site requests, as `CsrfMiddleware` of Prefect does."""

    def __init__(self) -> None:
        self.tokens: dict[str, str] = {}
        self.asked = 0
        self.lock = threading.Lock()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        with self.lock:
            if request.url.path.endswith("/csrf-token"):
                self.asked += 1
                self.tokens[request.url.params["client"]] = token = f"token-{self.asked}"
                return httpx.Response(200, json={"token": token})
            headers = request.headers
            if request.method == "GET":
                return httpx.Response(200, json={})
            if "Prefect-Csrf-Token" not in headers:
                return httpx.Response(403, json={"detail": "Missing CSRF token."})
            if self.tokens.get(headers["Prefect-Csrf-Client"]) != headers["Prefect-Csrf-Token"]:
                return httpx.Response(403, json={"detail": "Invalid CSRF token or client identifier."})
            return httpx.Response(200, json={})


def mocked(handler: Any, **settings: Any) -> Requests:
    return Requests(Server("http://prefect.test/api", **settings), transport=httpx.MockTransport(handler))


def test_a_server_that_wants_csrf_tokens() -> None:
    server = Guarded()
    requests = mocked(server)
    requests.send("GET", "/x")
    assert server.asked == 0
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: requests.send("POST", "/x/filter", json={}), range(16)))
    assert {answer.status_code for answer in answers} == {200}
    assert server.asked == 1
    server.tokens.clear()
    requests.send("DELETE", "/x")
    assert server.asked == 2


def test_csrf_switched_off_says_what_to_switch_on() -> None:
    with pytest.raises(RefusedError, match=r"Missing CSRF token.*PREFECT_CLIENT_CSRF_SUPPORT_ENABLED"):
        mocked(Guarded(), csrf=False).send("POST", "/x", json={})


def test_a_busy_server_is_asked_again_for_a_token() -> None:
    server, busy = Guarded(), iter([503])

    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/csrf-token") and next(busy, None):
            return httpx.Response(503)
        return server(request)

    assert mocked(handler).send("POST", "/x", json={}).status_code == 200


def redirecting(status: int, place: str) -> tuple[Any, list[str]]:
    seen: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(f"{request.method} {request.url}")
        if len(seen) == 1:
            return httpx.Response(status, headers={"Location": place})
        return httpx.Response(200, json={"token": request.headers.get("Authorization")})

    return handler, seen


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_redirect_within_the_host_is_followed(method: str) -> None:
    handler, seen = redirecting(308, "https://prefect.test/api/x/")
    answer = mocked(handler, api_key="key").send(method, "/x", json={})
    assert seen[1] == f"{method} https://prefect.test/api/x/"
    assert answer.json() == {"token": "Bearer key"}


@pytest.mark.parametrize(
    ("method", "status", "place"),
    [
        ("GET", 302, "https://accounts.test/sign-in"),
        ("POST", 307, "https://accounts.test/sign-in"),
        # What was a POST would become a GET.
        ("POST", 302, "https://prefect.test/api/x"),
    ],
)
def test_no_other_redirect_is(method: str, status: int, place: str) -> None:
    handler, seen = redirecting(status, place)
    with pytest.raises(NotPrefectError, match=f"redirects {method} to {place}"):
        mocked(handler).send(method, "/x", json={})
    assert len(seen) == 1
