"""A stand-in for Prefect Cloud that keeps blocks of one type in memory."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from providers.catalog.schemas import committed
from tests.serving import served

WORKSPACE = (
    "/api/accounts/11111111-1111-4111-8111-111111111111/workspaces/22222222-2222-4222-8222-222222222222"
)


class StandIn(ThreadingHTTPServer):
    """Just enough of Prefect for GCP credentials, below one path and for one Authorization header.

    It takes requests side by side, and answers each after so many seconds.
    """

    def __init__(self, path: str, authorization: str, seconds: float) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seconds = seconds
        self.path = path
        self.authorization = authorization
        self.refused: list[str] = []
        self.documents: dict[str, dict[str, Any]] = {}
        # Where so many must wish to create something before any is answered.
        self.together: threading.Barrier | None = None


class _Handler(BaseHTTPRequestHandler):
    server: StandIn

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""

    def _serve(self) -> None:
        time.sleep(self.server.seconds)
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        if not self.path.startswith(f"{self.server.path}/"):
            self._answer(404, {"detail": "Not Found"})
        elif self.headers.get("Authorization") != self.server.authorization:
            self.server.refused.append(self.path)
            self._answer(401, {"detail": "Invalid authentication credentials"})
        else:
            self._answer(*self._prefect(self.path.removeprefix(self.server.path).partition("?")[0], body))

    do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815

    def _prefect(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        documents = self.server.documents
        identity = path.rpartition("/")[2]
        kind = committed("gcp-credentials")
        assert kind is not None
        schema = {"checksum": kind.checksum, "version": kind.version, "fields": kind.fields}
        if path == f"/block_schemas/checksum/{kind.checksum}":
            return 200, {"id": "s", "block_type_id": "t", **schema}
        if "/block_documents/name/" in path:
            return 404, {"detail": "Block document not found"}
        if path.startswith("/block_types/"):
            return 200, {"id": "t"}
        if path.endswith("/filter"):
            return 200, []
        if self.command == "POST":
            if self.server.together is not None:
                self.server.together.wait()
            created = {
                "id": str(uuid.uuid4()),
                **body,
                "block_type": {"slug": kind.slug},
                "block_schema": schema,
            }
            documents[created["id"]] = created
            return 201, created
        if self.command == "DELETE":
            return (
                (204, None)
                if documents.pop(identity, None)
                else (404, {"detail": "Block document not found"})
            )
        return (
            (200, documents[identity])
            if identity in documents
            else (404, {"detail": "Block document not found"})
        )

    def _answer(self, status: int, body: Any) -> None:
        self.send_response(status)
        content = b"" if body is None else json.dumps(body).encode()
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def stand_in(path: str, authorization: str, seconds: float = 0.0) -> Iterator[StandIn]:
    with served(StandIn(path, authorization, seconds)) as server:
        yield server
