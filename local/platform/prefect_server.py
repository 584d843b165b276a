"""`python -m local.platform.prefect_server PORT`: what `prefect server start` runs, behind the guard."""

from __future__ import annotations

import socket
import sys

from prefect.server.api.server import create_app

from local.guard import HOST, Guard, serve


def main(port: int) -> None:
    """Serve until stopped."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        serve(Guard(create_app(), f"http://{HOST}:{port}"), listener)


if __name__ == "__main__":
    main(int(sys.argv[1]))
