"""A real Prefect server on a free port of this machine, with a database of its own."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests import prefect_database, processes, warm_python
from tests.ports import free_port

START_SECONDS = 600
# No test waits for a run or for an event. The schedules of all of them would make so many runs that SQLite
# stays locked, and to look for what is due, or to keep each event, takes time as long as the server is there.
IDLE = (
    "CANCELLATION_CLEANUP",
    "CLEANUP_RECONCILER",
    "EVENT_PERSISTER",
    "FOREMAN",
    "LATE_RUNS",
    "PAUSE_EXPIRATIONS",
    "REPOSSESSOR",
    "SCHEDULER",
    "TASK_RUN_RECORDER",
    "TRIGGERS",
)


class PrefectServer:
    """What the server itself says, asked over plain HTTP."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/api"
        self.http = httpx.Client(base_url=self.url, timeout=60, transport=httpx.HTTPTransport(retries=3))

    def documents(self, prefix: str = "") -> dict[str, dict[str, Any]]:
        """Every block whose name begins so, by name, with its secrets."""
        found: list[dict[str, Any]] = []
        while True:
            body = {"include_secrets": True, "limit": 200, "offset": len(found)}
            page = self.call("POST", "/block_documents/filter", json=body)
            found += page
            if len(page) < 200:
                return {one["name"]: one for one in found if one["name"].startswith(prefix)}

    def call(self, method: str, path: str, **options: Any) -> Any:
        """Send a request, again while SQLite is busy."""
        for _ in range(200):
            response = self.http.request(method, path, **options)
            if response.status_code != 503:
                break
            time.sleep(0.1)
        response.raise_for_status()
        return response.json() if response.content else None

    def block_type(self, slug: str) -> dict[str, Any]:
        found = self.call("GET", f"/block_types/slug/{slug}")
        assert isinstance(found, dict)
        return found

    def schemas(self, slug: str) -> list[dict[str, Any]]:
        body = {"block_schemas": {"block_type_id": {"any_": [self.block_type(slug)["id"]]}}}
        found = self.call("POST", "/block_schemas/filter", json=body)
        assert isinstance(found, list)
        return found

    def patch(self, document_id: str, data: dict[str, Any], **more: Any) -> None:
        """Change a block behind Pulumi's back."""
        body = {"data": data, "merge_existing_data": True, **more}
        self.call("PATCH", f"/block_documents/{document_id}", json=body)


@contextmanager
def running(
    home: Path, put: Callable[[Path], None] = prefect_database.put, /, **settings: str
) -> Iterator[PrefectServer]:
    """Start a server that keeps its database in `home`, wait until it answers, stop it by its id."""
    put(home)
    port = free_port()
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("PREFECT_")},
        "PREFECT_HOME": str(home),
        **prefect_database.SETTINGS,
        "PREFECT_SERVER_UI_ENABLED": "false",
        **{f"PREFECT_SERVER_SERVICES_{service}_ENABLED": "false" for service in IDLE},
        **settings,
    }
    python = str(warm_python.prefect())
    command = [python, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with (home / "server.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    server = PrefectServer(port)
    try:
        _wait(server, process, home / "server.log")
        yield server
    finally:
        server.http.close()
        processes.end(process, 30)


def _wait(server: PrefectServer, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()[-2000:]
        try:
            if server.http.get("/health").is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise AssertionError(f"Prefect did not answer within {START_SECONDS} s: {log.read_text()[-2000:]}")
