"""Who holds a port that is not free."""

from __future__ import annotations

import contextlib
import shlex
import socket

import psutil

from local.errors import LocalError

HOST = "127.0.0.1"
# The modules of the platform that listen on ports.
PLATFORM = ("local.google", "local.platform.prefect_server")


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
            owner, remedy = owner_of(port)
            raise LocalError(
                f"port {port}, which {service} needs, is taken by {owner}: "
                f"{remedy}, or choose another port in {setting}"
            ) from error


def owner_of(port: int) -> tuple[str, str]:
    """Who listens on `port`, as far as this user may see it, and what to do about it."""
    for process in psutil.process_iter(["pid", "name", "cmdline", "cwd"]):
        with contextlib.suppress(psutil.Error):
            for connection in process.net_connections(kind="tcp"):
                if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port:
                    seen = process.info
                    if any(module in (seen["cmdline"] or ()) for module in PLATFORM):
                        return (
                            f"the local platform of {seen['cwd']} (pid {seen['pid']})",
                            f"stop that (cd {shlex.quote(str(seen['cwd']))} && make down)",
                        )
                    return f"{seen['name']} (pid {seen['pid']})", "stop that"
    return "a process of another user", "stop that"
