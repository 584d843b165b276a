"""Real servers for the tests of `flows`, on free ports of 127.0.0.1."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests import prefect_database, processes, warm_python
from tests.ports import free_port
from tests.serving import served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

ROOT = Path(__file__).resolve().parent.parent.parent
EMULATOR = ROOT / "local" / "emulator" / ".venv"
_START_SECONDS = 600.0


@contextmanager
def process(command: list[str], ready: str, log: Path, env: Mapping[str, str]) -> Iterator[None]:
    """Run a server until the block ends. ``ready`` is a URL that it answers once it is up."""
    with log.open("wb") as output:
        server = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **env})
        try:
            _wait_for_start(server, ready, log)
            yield
        finally:
            processes.end(server, 30)


def _wait_for_start(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    try:
        wait(url, lambda: server.poll() is None)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{log.read_text(errors='replace')[-2000:]}") from error


def wait(url: str, alive: Callable[[], bool] = lambda: True) -> None:
    """Wait until ``url`` answers, whatever it answers, while the server is alive."""
    deadline = time.monotonic() + _START_SECONDS
    while alive() and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"no answer at {url}")


@contextmanager
def prefect_server(directory: Path, port: int) -> Iterator[str]:
    """Yield the URL of the API of a Prefect server with an empty database."""
    python = str(warm_python.prefect())
    command = [python, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    url = f"http://127.0.0.1:{port}/api"
    prefect_database.put(directory)
    env = {"PREFECT_HOME": str(directory), **prefect_database.SETTINGS}
    env["PREFECT_UI_API_URL"] = url  # a page asks port 4200 otherwise
    with process(command, f"{url}/health", directory / "server.log", env):
        yield url


@contextmanager
def bigquery(directory: Path) -> Iterator[str]:
    """Yield the address of an empty BigQuery emulator."""
    extensions = Path("extensions", "v1.5.5")
    packaged = next(EMULATOR.glob("lib/*/site-packages/duckdb_extension_spatial"), None)
    assert packaged, f"{EMULATOR} is missing: set up the local platform first (`make demo`)"
    source = next((packaged / extensions).rglob("spatial.duckdb_extension"))
    platform = _duckdb_platform()
    home = directory / ".duckdb" / extensions / platform
    home.mkdir(parents=True)
    shutil.copy(source, home)
    rest, grpc = free_port(), free_port()
    command = [str(EMULATOR / "bin" / "bqemulator"), "start", "--ephemeral"]
    command += ["--rest-port", str(rest), "--grpc-port", str(grpc)]
    url = f"http://127.0.0.1:{rest}"
    with process(
        command, f"{url}/bigquery/v2/projects", directory / "emulator.log", {"HOME": str(directory)}
    ):
        yield url


def _duckdb_platform() -> str:
    question = "import duckdb; print(duckdb.sql('pragma platform').fetchone()[0])"
    command = [str(EMULATOR / "bin" / "python"), "-c", question]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


Answer = tuple[int, Any]


@contextmanager
def answering(answer: Callable[[str, str], Answer]) -> Iterator[str]:
    """Yield the address of a server that answers each request with ``answer(method, path)``, as JSON."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._reply("GET")

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self._reply("POST")

        def _reply(self, method: str) -> None:
            status, content = answer(method, self.path)
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    with served(server):
        yield f"http://127.0.0.1:{server.server_port}"


TOKEN = {"access_token": "a-token", "expires_in": 3600, "token_type": "Bearer"}


def tokens() -> Any:
    """Return a server that gives everybody a token, as Google's OAuth endpoint does for a good key."""
    return answering(lambda _method, _path: (200, TOKEN))
