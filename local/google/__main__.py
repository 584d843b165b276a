"""``python -m local.google``: serve Google's endpoints on 127.0.0.1."""

from __future__ import annotations

import argparse
import os
import socket
import sys
from pathlib import Path

from local.google.app import create_app, log_to_stderr
from local.google.state import StateError
from local.guard import HOST, serve

KEY_DELAY = "LOCAL_GOOGLE_KEY_DELAY"
GRANT_DELAY = "LOCAL_GOOGLE_GRANT_DELAY"


def main(arguments: list[str] | None = None) -> int:
    """Run until stopped; give 1 where it cannot start."""
    parser = argparse.ArgumentParser(prog="python -m local.google", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="port on 127.0.0.1")
    parser.add_argument(
        "--bigquery",
        required=True,
        metavar="URL",
        help="where the BigQuery emulator answers: http://… or unix:SOCKET",
    )
    parser.add_argument("--state", type=Path, required=True, metavar="DIR", help="where the state is kept")
    parser.add_argument("--project", action="append", required=True, help="a project to serve; repeatable")
    parser.add_argument(
        "--key-delay",
        type=float,
        default=os.environ.get(KEY_DELAY, "0"),
        metavar="SECONDS",
        help=f"how long a new key stays unknown, as it may at Google; else ${KEY_DELAY}",
    )
    parser.add_argument(
        "--grant-delay",
        type=float,
        default=os.environ.get(GRANT_DELAY, "0"),
        metavar="SECONDS",
        help=f"how long a new grant does not count yet, as it may at Google; else ${GRANT_DELAY}",
    )
    options = parser.parse_args(arguments)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, options.port))
            app = create_app(
                state_dir=options.state,
                bigquery_url=options.bigquery,
                projects=options.project,
                base_url=f"http://{HOST}:{listener.getsockname()[1]}",
                key_delay=options.key_delay,
                grant_delay=options.grant_delay,
            )
        except OSError as error:
            print(f"error: cannot listen on {HOST}:{options.port}: {error.strerror}", file=sys.stderr)
            return 1
        except StateError as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
        log_to_stderr()
        serve(app, listener)
    return 0


if __name__ == "__main__":
    sys.exit(main())
