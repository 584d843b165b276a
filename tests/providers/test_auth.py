"""Keys, passwords and workspaces, before a stand-in that checks headers and paths."""

from __future__ import annotations

import base64
import threading
from pathlib import Path

import pytest

from tests.providers import prefect_server, programs
from tests.providers.engine import Stack
from tests.providers.stand_in import WORKSPACE, StandIn, stand_in

pytestmark = pytest.mark.real


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


def test_as_many_are_created_at_once_as_the_engine_asks_for(
    tmp_path: Path, pulumi_bin: Path, prefix: str
) -> None:
    with stand_in(WORKSPACE, "Bearer pnu_marker1") as server:
        server.together = threading.Barrier(12, timeout=60.0)
        stack = Stack(tmp_path, f"http://127.0.0.1:{server.server_port}{WORKSPACE}", pulumi_bin)
        stack.config("prefix", prefix)
        stack.program(programs.APART.format(count=12))
        stack.environment["PREFECT_API_KEY"] = "pnu_marker1"
        stack.pulumi("up", "--yes", "--skip-preview", "--parallel=12")
        assert len(server.documents) == 12
        stack.destroy()


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
