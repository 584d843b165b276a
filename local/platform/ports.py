"""Free ports, and who holds one that is not free."""

from __future__ import annotations

import contextlib
import socket

import psutil

from local.errors import LocalError

HOST = "127.0.0.1"


def free_port() -> int:
    """A port that nothing listens on now, chosen by the kernel."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def require_free(port: int, service: str, setting: str) -> None:
    """Raise LocalError naming the port's owner if something already listens on it.

    `setting` names the line to change, e.g. `Pulumi.local.yaml line 7 (gcp:bigQueryCustomEndpoint)`.
    """
    with socket.socket() as probe:
        # As the servers do it: a port whose last connections are in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise LocalError(
                f"port {port}, which {service} needs, is taken by {owner_of(port)}: "
                f"stop that, or choose another port in {setting}"
            ) from error


def owner_of(port: int) -> str:
    """`name (pid N)` of the process that listens on `port`, as far as this user may see it."""
    for process in psutil.process_iter(["pid", "name"]):
        with contextlib.suppress(psutil.Error):
            for connection in process.net_connections(kind="tcp"):
                if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port:
                    return f"{process.info['name']} (pid {process.info['pid']})"
    return "a process of another user"
