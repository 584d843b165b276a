from __future__ import annotations

import os
import socket

import pytest

from local.errors import LocalError
from local.platform.ports import free_port, require_free


def test_a_free_port_can_be_bound() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", free_port()))


def test_a_taken_port_is_refused_with_its_owner_and_the_line_to_change() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        with pytest.raises(LocalError, match=rf"port {port}.*pid {os.getpid()}.*Pulumi.local.yaml line 3"):
            require_free(port, "Prefect", "Pulumi.local.yaml line 3 (prefect:apiUrl)")


def test_a_port_nobody_listens_on_is_accepted() -> None:
    require_free(free_port(), "Prefect", "Pulumi.local.yaml")
