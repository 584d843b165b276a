"""The way to the BigQuery emulator: one client with kept-alive connections, bodies streamed both ways."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
from starlette.background import BackgroundTask
from starlette.responses import Response, StreamingResponse

from local.google import errors
from local.plain_http import NO_CERTIFICATES

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable

    from starlette.requests import Request

    from local.google.iam.authorize import Caller

_REQUEST_HEADERS = ("content-type", "content-range", "content-length", "if-match", "slug", "range")
_REQUEST_PREFIXES = ("x-upload-", "x-goog-upload-")
_DROPPED_FROM_ANSWERS = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "date", "server", "location", "x-correlation-id"}
)
# How the address of a Unix socket begins.
UNIX = "unix:"
# What a query of the gateway's own begins with: it is nobody's job.
OWN_QUERY = "/* The gateway's own. */ "
_CODES = {"notFound": 404, "duplicate": 409, "accessDenied": 403}
_STATUSES = {404: "NOT_FOUND", 409: "ALREADY_EXISTS", 403: "PERMISSION_DENIED"}
# A query may run for long; connecting to the emulator may not.
_TIMEOUT = httpx.Timeout(None, connect=5.0)


class Backend:
    """Forwards requests that were authorised. ``caller`` becomes the emulator's SESSION_USER()."""

    def __init__(self, url: str, gateway_url: str, transport: httpx.AsyncBaseTransport | None = None) -> None:
        """``url`` is `http://…`, or `unix:` and the path of a socket."""
        self._url = url.rstrip("/")
        self._gateway_url = gateway_url
        limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
        if transport is None:
            socket = url.removeprefix(UNIX) if url.startswith(UNIX) else None
            transport = httpx.AsyncHTTPTransport(uds=socket, limits=limits, verify=NO_CERTIFICATES)
        base_url = "http://bigquery" if url.startswith(UNIX) else self._url
        self._client = httpx.AsyncClient(
            base_url=base_url, timeout=_TIMEOUT, transport=transport, trust_env=False
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def stream(
        self, request: Request, caller: Caller, body: AsyncIterable[bytes] | bytes | None = None
    ) -> Response:
        """Forward a request and stream the answer back. ``body`` takes the place of the request's own."""
        headers = _forwarded(request)
        if body is None:
            body = request.stream()
        elif isinstance(body, bytes):
            headers.pop("content-length", None)
        if request.method in ("GET", "DELETE", "HEAD"):
            body = None
            headers.pop("content-length", None)
        outgoing = self._client.build_request(
            request.method,
            _target(request),
            headers=headers | _identity(caller),
            content=body,
        )
        answer = await self._send(outgoing, stream=True)
        kept = {name: value for name, value in answer.headers.items() if name not in _DROPPED_FROM_ANSWERS}
        if "location" in answer.headers:
            kept["location"] = self._own_address(answer.headers["location"])
        return StreamingResponse(
            answer.aiter_raw(), answer.status_code, kept, background=BackgroundTask(answer.aclose)
        )

    async def call(
        self,
        method: str,
        path: str,
        caller: Caller,
        *,
        body: Any = None,
        params: dict[str, str] | None = None,
    ) -> tuple[int, Any]:
        """Send JSON and give the answer's status and JSON (None where it has no body)."""
        content = None if body is None else json.dumps(body).encode()
        headers = _identity(caller)
        if content is not None:
            headers["content-type"] = "application/json"
        outgoing = self._client.build_request(method, path, headers=headers, content=content, params=params)
        answer = await self._send(outgoing, stream=False)
        return answer.status_code, answer.json() if answer.content else None

    async def post(self, path: str, caller: Caller, content: bytes) -> tuple[int, bytes]:
        """Send JSON as it is and give the answer's status and JSON as they are: rows need no reading."""
        headers = _identity(caller) | {"content-type": "application/json"}
        answer = await self._send(
            self._client.build_request("POST", path, headers=headers, content=content), stream=False
        )
        return answer.status_code, answer.content

    async def get(self, path: str, caller: Caller, params: dict[str, str] | None = None) -> Any:
        """Read a JSON resource. Raises the emulator's refusal as Google's error."""
        status, answer = await self.call("GET", path, caller, params=params)
        raise_refusal(status, answer)
        return answer

    async def ask(self, project: str, sql: str, caller: Caller) -> Any:
        """Run a query of the gateway's own, and give its answer. Raises what it fails with.

        The emulator keeps it as a job, as it does with all queries: `is_own` tells it from a caller's.
        """
        path = f"/bigquery/v2/projects/{project}/queries"
        body = {"query": OWN_QUERY + sql, "useLegacySql": False}
        status, answer = await self.call("POST", path, caller, body=body)
        raise_refusal(status, answer)
        for failed in answer.get("errors") or []:
            raise query_error(failed)
        return answer

    async def _send(self, outgoing: httpx.Request, *, stream: bool) -> httpx.Response:
        try:
            return await self._client.send(outgoing, stream=stream)
        except httpx.TransportError as error:
            message = (
                f"BigQuery does not answer behind this gateway ({self._url}). See: python -m local status"
            )
            raise errors.unavailable(message) from error

    def _own_address(self, location: str) -> str:
        url = httpx.URL(location)
        return f"{self._gateway_url}{url.raw_path.decode()}"


def is_own(job: dict[str, Any]) -> bool:
    """Say if the emulator's job is a query of the gateway's own."""
    query = job.get("configuration", {}).get("query") or {}
    return str(query.get("query", "")).startswith(OWN_QUERY)


def query_error(failed: dict[str, Any]) -> errors.GoogleError:
    """Give what BigQuery answers where a query has failed with this error of the emulator's."""
    reason = str(failed.get("reason", "invalidQuery"))
    code = _CODES.get(reason, 400)
    status = _STATUSES.get(code, "INVALID_ARGUMENT")
    return errors.GoogleError(code, status, reason, str(failed.get("message", "")))


async def unless_gone(asked: Awaitable[Any]) -> Any:
    """Give what is asked for of what was there a moment ago; None where it has been dropped meanwhile."""
    try:
        return await asked
    except errors.GoogleError as error:
        if error.reason != "notFound":
            raise
        return None


def raise_refusal(status: int, answer: Any) -> None:
    """Raise an answer that is an error as the GoogleError it describes."""
    if status >= 400:
        raise refusal(status, answer)


def refusal(status: int, answer: Any) -> errors.GoogleError:
    """Give the GoogleError that an answer describes."""
    error = answer.get("error", {}) if isinstance(answer, dict) else {}
    reasons = error.get("errors") or [{}]
    return errors.GoogleError(
        status,
        error.get("status", "UNKNOWN"),
        reasons[0].get("reason", "internalError"),
        error.get("message", f"BigQuery answered {status}"),
    )


def _forwarded(request: Request) -> dict[str, str]:
    return {
        name: value
        for name, value in request.headers.items()
        if name in _REQUEST_HEADERS or name.startswith(_REQUEST_PREFIXES)
    }


def _identity(caller: Caller) -> dict[str, str]:
    return {"x-bqemu-caller": caller.member, "accept-encoding": "identity"}


def _target(request: Request) -> str:
    path = request.scope.get("raw_path", request.url.path.encode()).decode("latin-1")
    return f"{path}?{request.url.query}" if request.url.query else path
