"""Serves the BigQuery emulator on a Unix socket, with a DuckDB that reaches no other file and no network.

Run by the emulator's own Python. As `bqemulator start` it would listen on two ports that ask for nothing: any
page in a browser and any user of the machine could read and write the developer's files with SQL.

What it changes lies in `server.py` and `storage/engine.py`, and in what the modules beside name;
tests/local/google/test_emulator.py and test_real.py fail where one of these has no effect any more.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bqemulator
import bqemulator.server
import uvicorn
from bqemulator.config import LogFormat, LogLevel, PersistenceMode, Settings
from bqemulator.jobs import executor
from bqemulator.storage.engine import DuckDBEngine

from local import guard
from local.emulator import (
    functions,
    javascript,
    loads,
    memory,
    parameters,
    parsed_once,
    results,
    scripts,
    sessions,
    words,
)
from local.emulator.rows import (
    altered,
    changes,
    column_types,
    ingestion,
    inserts,
    lengths,
    time_travel,
)

# The version whose insides are changed here and in the modules beside; another one may need others, or none.
READ_IN = "1.4.0"


class NoGrpc:
    """In place of the Storage API's server, which dbt and the loader do without."""

    async def start(self) -> None:
        """Listen on nothing."""

    async def stop(self, grace: float | None = None) -> None:
        """Nothing listens."""


class Answered:
    """ASGI: a mistake that is answered with 500, and logged, is over.

    Starlette raises it again, and uvicorn then closes the connection: under the next request of the gateway.
    """

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request."""
        answered = False

        async def noted(message: Any) -> None:
            nonlocal answered
            await send(message)
            answered = message["type"] == "http.response.body" and not message.get("more_body")

        try:
            await self._app(scope, receive, noted)
        except Exception:
            if not answered:
                raise


def listen_on(socket: str) -> None:
    """Let the emulator serve HTTP on this socket, and no gRPC. Who may enter its directory may connect."""

    def config(app: Any, **named: Any) -> uvicorn.Config:
        return uvicorn.Config(Answered(app), uds=socket, timeout_keep_alive=guard.IDLE_SECONDS, **named)

    bqemulator.server.uvicorn = SimpleNamespace(Config=config, Server=uvicorn.Server)
    bqemulator.server.build_grpc_server = lambda _: (NoGrpc(), 0)


def lock(connection: Any, directories: list[Path]) -> None:
    """Keep DuckDB from files outside of `directories`, from the network and from extensions, for good.

    Source: https://duckdb.org/docs/stable/operations_manual/securing_duckdb/overview
    """
    allowed = ", ".join(f"'{str(directory).replace(chr(39), chr(39) * 2)}'" for directory in directories)
    connection.execute(f"SET allowed_directories = [{allowed}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def lock_every_engine() -> None:
    """Lock an engine's DuckDB once it has loaded what it needs."""
    start = DuckDBEngine.start

    async def start_locked(self: Any) -> None:
        await start(self)
        uploads = self._settings.upload_staging_dir
        uploads.mkdir(parents=True, exist_ok=True)
        lock(self.connection, [uploads])

    DuckDBEngine.start = start_locked


def trust(directory: Path) -> None:
    """Let the emulator load what it has put into this directory, whose path may hold an apostrophe."""
    check = executor._validate_local_path

    def check_others(path: str) -> None:
        if Path(path).parent != directory:
            check(path)

    executor._validate_local_path = check_others


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--socket", required=True, help="where to listen; relative is shorter")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="where the tables are kept")
    parser.add_argument("--uploads", type=Path, required=True, metavar="DIR", help="where uploads are put")
    parser.add_argument("--project", required=True)
    options = parser.parse_args()
    if bqemulator.__version__ != READ_IN:
        sys.exit(
            f"error: bqemulator {bqemulator.__version__} is installed, and local/emulator changes "
            f"the insides of {READ_IN}: run `make setup`, or read its modules again for the new one."
        )
    os.umask(0o077)
    listen_on(options.socket)
    lock_every_engine()
    trust(options.uploads.resolve())
    for change in (
        memory,
        sessions,
        results,
        parameters,
        scripts,
        time_travel,
        functions,
        column_types,
        ingestion,
        inserts,
        javascript,
        lengths,
        loads,
        altered,
        changes,
        words,
        # The last one, since others change how SQL is parsed.
        parsed_once,
    ):
        change.patch()
    bqemulator.server.run_forever(
        Settings(
            persistence_mode=PersistenceMode.PERSISTENT,
            data_dir=options.data,
            upload_staging_dir=options.uploads,
            default_project_id=options.project,
            # It would be fetched from DuckDB's own site; nothing here loads Avro.
            enable_format_extensions=False,
            log_level=LogLevel.WARNING,
            log_format=LogFormat.CONSOLE,
        )
    )


if __name__ == "__main__":
    main()
