"""One exchange with a Prefect server: certificates, proxies, redirects, CSRF tokens."""

from __future__ import annotations

import ssl
import threading
import urllib.request
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx

from providers.api.errors import NotPrefectError, UnreachableError
from providers.api.server import HEADERS, Server, parse, shown

CONNECT_TIMEOUT = 5.0  # seconds
MOST_REDIRECTS = 5


class Wire:
    """An HTTP client that reaches what Prefect's own client reaches. Safe to share between threads.

    `transport` is handed in by tests.
    """

    def __init__(
        self, server: Server, *, transport: httpx.BaseTransport | None, answer_timeout: float
    ) -> None:
        parse(server.api_url, server.place)
        self._server = server
        self._proxy = _proxy(server)
        try:
            self._http = httpx.Client(
                base_url=server.api_url,
                headers=server.headers(),
                timeout=httpx.Timeout(answer_timeout, connect=CONNECT_TIMEOUT),
                transport=transport,
                verify=_certificates(server),
                # A proxy meant for the internet must not see keys meant for a server on this machine.
                trust_env=not server.is_loopback,
            )
        except (ValueError, ImportError, httpx.InvalidURL) as error:
            if self._proxy is None:
                raise
            raise UnreachableError(f"the proxy {self._proxy} can't be used: {error}") from error
        self._csrf = _CsrfToken(self._http)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def exchange(self, method: str, path: str, json: Any, params: Mapping[str, str] | None) -> httpx.Response:
        """Send one request and return its answer. Raises httpx.TransportError, or a PrefectError."""
        response = self._signed(method, path, json, params)
        # The server declined it before it did anything.
        if self._server.csrf and response.status_code == 403 and "CSRF token" in response.text:
            asked = self._csrf.renew(response.request.headers.get(_CsrfToken.HEADER))
            if asked is not None and not asked.is_success:
                # A server that is busy is asked again; who is unknown to it gets no token; and one that has
                # none to give has said its word.
                return asked if asked.status_code == 401 or asked.status_code >= 429 else response
            response = self._signed(method, path, json, params)
        return response

    def how(self, error: Exception) -> str:
        """Say what went wrong on the way, without the proxy's password."""
        reason = str(error) or type(error).__name__
        return f"{reason}, through the proxy {self._proxy}" if self._proxy else reason

    def _signed(self, method: str, path: str, json: Any, params: Mapping[str, str] | None) -> httpx.Response:
        headers = {} if method == "GET" else self._csrf.headers()
        try:
            response = self._http.request(method, path, json=json, params=params, headers=headers)
            for _ in range(MOST_REDIRECTS):
                if response.next_request is None:
                    break
                response = self._http.send(self._followed(response, response.next_request))
        except httpx.ProxyError as error:
            raise UnreachableError(
                f"Prefect at {self._server.api_url} can't be reached through the proxy {self._proxy} "
                f"({error}). HTTPS_PROXY names the proxy, NO_PROXY the hosts to reach without one"
            ) from error
        except httpx.ConnectError as error:
            if "CERTIFICATE" in str(error):
                raise UnreachableError(_untrusted(self._server, error)) from error
            raise
        return response

    def _followed(self, response: httpx.Response, request: httpx.Request) -> httpx.Request:
        """Return the request to go on with; nothing that was meant for one host goes to another."""
        if request.url.host != response.url.host or request.method != response.request.method:
            raise NotPrefectError(
                f"Prefect at {self._server.api_url} redirects {response.request.method} to "
                f"{shown(str(request.url))}. If that is Prefect, set {self._server.place} to its address; if "
                f"it is a sign-in, {HEADERS} can hold what lets a program pass"
            )
        return request


class _CsrfToken:
    """Prefect's token against cross-site requests, asked for when a server first wants one.

    Source: prefect.server.api.middleware.CsrfMiddleware, prefect.client.base. A server has one token for each
    client, and a new one ends the old one.
    """

    HEADER = "Prefect-Csrf-Token"

    def __init__(self, http: httpx.Client) -> None:
        self._http = http
        self._client = str(uuid.uuid4())
        self._token: str | None = None
        self._lock = threading.Lock()

    def headers(self) -> dict[str, str]:
        return {self.HEADER: self._token, "Prefect-Csrf-Client": self._client} if self._token else {}

    def renew(self, stale: str | None) -> httpx.Response | None:
        """Ask for a token and return the answer; None where another thread has one since the stale one."""
        with self._lock:
            if self._token != stale:
                return None
            response = self._http.get("/csrf-token", params={"client": self._client})
            if response.is_success:
                self._token = response.json()["token"]
            return response


def _certificates(server: Server) -> ssl.SSLContext | bool:
    """Return what `https` trusts, as in Prefect's client: a file of certificates, or certifi's, or all."""
    if not server.api_url.startswith("https:"):
        # A server on this machine leads nowhere else. To read certifi's file takes 50 ms of processor time.
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if server.is_loopback else True
    if not server.verify:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    if server.ca_file is None:
        import certifi  # noqa: PLC0415

        return ssl.create_default_context(cafile=certifi.where())
    try:
        return ssl.create_default_context(cafile=server.ca_file)
    except OSError as error:
        raise UnreachableError(
            f"PREFECT_API_SSL_CERT_FILE or SSL_CERT_FILE: {server.ca_file} can't be read as certificates "
            f"({error})"
        ) from error


def _proxy(server: Server) -> str | None:
    """Return the proxy of the environment that stands before the server, without its password."""
    parts = urlsplit(server.api_url)
    if server.is_loopback or urllib.request.proxy_bypass(str(parts.hostname)):
        return None
    proxies = urllib.request.getproxies()
    found = proxies.get(parts.scheme) or proxies.get("all")
    return shown(found) if found else None


def _untrusted(server: Server, error: Exception) -> str:
    return (
        f"the certificate of Prefect at {server.api_url} is not trusted ({error}). "
        "PREFECT_API_SSL_CERT_FILE, or SSL_CERT_FILE, names a file of the certificates to trust"
    )
