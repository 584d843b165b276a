"""Keys, passwords and workspaces, before a stand-in that checks headers and paths."""

from __future__ import annotations

import base64
import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from providers.catalog.schemas import committed
from tests.providers import prefect_server, programs
from tests.providers.engine import Stack

pytestmark = pytest.mark.real
WORKSPACE = (
    "/api/accounts/11111111-1111-4111-8111-111111111111/workspaces/22222222-2222-4222-8222-222222222222"
)


class StandIn(ThreadingHTTPServer):
    """Just enough of Prefect for one block, below one path and for one Authorization header."""

    def __init__(self, path: str, authorization: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.path = path
        self.authorization = authorization
        self.refused: list[str] = []
        self.documents: dict[str, dict[str, Any]] = {}


class _Handler(BaseHTTPRequestHandler):
    server: StandIn

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""

    def _serve(self) -> None:
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
def stand_in(path: str, authorization: str) -> Iterator[StandIn]:
    server = StandIn(path, authorization)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def lived(stack: Stack, server: StandIn) -> None:
    """A block is created, read and deleted, and no request lacked anything."""
    stack.up()
    assert len(server.documents) == 1
    stack.refresh()
    stack.destroy()
    assert server.documents == {}
    assert server.refused == []


def test_a_workspace_in_prefect_cloud_and_a_rotated_key(
    tmp_path: Path, pulumi_bin: Path, prefix: str
) -> None:
    with stand_in(WORKSPACE, "Bearer pnu_marker1") as server:
        stack = Stack(tmp_path, f"http://127.0.0.1:{server.server_port}{WORKSPACE}", pulumi_bin)
        stack.config("prefix", prefix)
        stack.program(programs.ONE)
        stack.environment["PREFECT_API_KEY"] = "pnu_marker1"
        lived(stack, server)
        stack.up()
        server.authorization = "Bearer pnu_marker2"
        assert "Invalid authentication credentials): PREFECT_API_KEY is not" in stack.fails(
            "refresh", "--yes"
        )
        server.refused.clear()
        stack.environment["PREFECT_API_KEY"] = "pnu_marker2"
        stack.pulumi("refresh", "--yes", "--expect-no-changes")
        # The key may also be a secret setting, which `up` hands on to later commands; it touches no block.
        del stack.environment["PREFECT_API_KEY"]
        stack.config("prefect:apiKey", "pnu_marker2", "--secret")
        assert stack.up() == {"same": 2}
        stack.pulumi("refresh", "--yes", "--expect-no-changes")
        stack.destroy()
        assert server.documents == {}
    assert not [path for path in stack.files() if b"pnu_marker" in path.read_bytes()]


def test_a_real_server_with_a_password_that_wants_csrf_tokens(
    tmp_path: Path, pulumi_bin: Path, prefix: str
) -> None:
    password = "admin:pass:word"
    guarded = {
        "PREFECT_SERVER_API_AUTH_STRING": password,
        "PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "true",
    }
    with prefect_server.running(tmp_path / "prefect", **guarded) as server:
        server.http.headers["Authorization"] = f"Basic {base64.b64encode(password.encode()).decode()}"
        stack = Stack(tmp_path / "stack", server.url, pulumi_bin)
        stack.config("prefix", prefix)
        stack.program(programs.ONE)
        assert "PREFECT_API_AUTH_STRING" in stack.fails("up", "--yes", "--skip-preview")
        stack.environment["PREFECT_API_AUTH_STRING"] = password
        stack.up()
        assert list(stack.blocks()) == ["credentials"]
        stack.pulumi("refresh", "--yes", "--expect-no-changes")
        stack.destroy()
        assert stack.blocks() == {}
