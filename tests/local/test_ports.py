from __future__ import annotations

import os
import shlex
import socket
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

import pytest

from local.errors import LocalError
from local.platform.ports import require_free
from tests.ports import free_port


def test_a_free_port_can_be_bound() -> None:
    one, other = free_port(), free_port()
    with socket.socket() as server:
        server.bind(("127.0.0.1", one))
    # Nobody else is given it meanwhile, neither here nor, on Linux, for a connection.
    assert one != other
    assert max(one, other) < 32_768


def test_a_taken_port_is_refused_with_its_owner_and_the_line_to_change() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        with pytest.raises(LocalError, match=rf"port {port}.*pid {os.getpid()}.*Pulumi.local.yaml line 3"):
            require_free(port, "Prefect", "Pulumi.local.yaml line 3 (prefect:apiUrl)")


def test_a_port_nobody_listens_on_is_accepted() -> None:
    require_free(free_port(), "Prefect", "Pulumi.local.yaml")


LISTEN = """
import socket, sys
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
sys.stdin.read()
"""


def test_another_checkouts_platform_is_named_with_the_command_that_stops_it(tmp_path: Path) -> None:
    other = tmp_path / "l'autre copie"
    other.mkdir()
    command = [sys.executable, "-c", LISTEN, "local.google"]
    with subprocess.Popen(command, cwd=other, stdin=PIPE, stdout=PIPE, text=True) as platform:
        assert platform.stdout
        port = int(platform.stdout.readline())
        with pytest.raises(LocalError) as refusal:
            require_free(port, "BigQuery", "Pulumi.local.yaml line 3 (x)")
        platform.communicate("")
    assert f"the local platform of {other} (pid {platform.pid})" in str(refusal.value)
    assert f"stop that (cd {shlex.quote(str(other))} && make down)" in str(refusal.value)
