"""dbt's documentation of a target, as a site: `python -m flows.docs --target dev --serve`."""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import nullcontext, suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from flows.commands import command_line
from flows.commands.options import Options
from flows.engine import arguments, dbt_project
from flows.errors import UsageError
from flows.project import deps, set_up
from flows.target import warehouse

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# The site's page and what it reads; nothing else of the directory is served.
FILES = {"/index.html", "/manifest.json", "/catalog.json"}


def generate(target: str, project_dir: str | None = None) -> Path:
    """Generate the site with the identity and settings of the target's blocks; return its directory.

    It has a directory of its own, so that a run of the flow at the same time is not disturbed. Raises as the
    flow does: UsageError, NotSetUpError, UnreachableError, DbtError.
    """
    found = set_up.load(target, project_dir)
    warehouse.check_patiently(found.profile, partial(_say, 0))
    deps.install(found.project_dir, found.profile.environment, "", _say)
    with dbt_project.open_project(found.profile, found.project_dir, Options()) as project:
        project.docs(_say)
    return arguments.docs_path(found.project_dir, target)


def listen(port: int) -> ThreadingHTTPServer:
    """Listen on 127.0.0.1; on any free port if ``port`` is 0. Raises UsageError if it can't be had."""
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), _Site)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or str(error).rstrip(".")
        raise UsageError(f"cannot serve on 127.0.0.1:{port}: {why}. Give another `--port`.") from error
    server.daemon_threads = True
    return server


def serve(directory: Path, server: ThreadingHTTPServer) -> None:
    """Serve the site until Ctrl-C."""
    server.RequestHandlerClass = partial(_Site, directory=str(directory))
    print(f"http://127.0.0.1:{server.server_port}/ (Ctrl-C ends it)", flush=True)
    with suppress(KeyboardInterrupt):
        server.serve_forever()


class _Site(SimpleHTTPRequestHandler):
    def send_head(self) -> Any:
        path = self.path.partition("?")[0]
        if path == "/":
            self.path = "/index.html"
        elif path not in FILES:
            self.send_error(404)
            return None
        return super().send_head()

    def log_message(self, *_: Any) -> None:
        pass


def _say(_level: int, message: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {message}", file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m flows.docs",
        description="Generate dbt's documentation site of a target: lineage, columns, row counts.",
        epilog="exit codes: 0 all is well, or served until Ctrl-C, 1 dbt failed, 2 wrong usage, 3 not "
        "set up (`pulumi up -s TARGET`), 4 Prefect or BigQuery does not answer, "
        "70 a mistake in this program, 130 interrupted",
    )
    command_line.add_target(parser)
    command_line.add_project_dir(parser)
    parser.add_argument("--serve", action="store_true", help="serve the site on 127.0.0.1 until Ctrl-C")
    parser.add_argument(
        "--port", type=int, default=0, help="where to serve it (default: any port that is free)"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    given = _parser().parse_args(argv)
    dbt_project.nothing_else_runs()

    def work() -> int:
        # Before what takes long.
        with listen(given.port) if given.serve else nullcontext() as server:
            directory = generate(given.target, given.project_dir)
            print(directory / "index.html", flush=True)
            if server is not None:
                serve(directory, server)
        return 0

    return command_line.exit_code(work)


if __name__ == "__main__":
    sys.exit(main())
