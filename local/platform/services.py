"""The three servers of the platform, in the order in which they start."""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from local.plain_http import NO_CERTIFICATES
from local.platform import emulator, settings
from local.platform.process import Process

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from local.paths import Paths
    from local.platform.settings import Settings

ANSWER_SECONDS = 5.0
# The variables that slow Google's endpoints down, as Google may be, and the options that they stand for.
DELAYS = {"LOCAL_GOOGLE_KEY_DELAY": "--key-delay", "LOCAL_GOOGLE_GRANT_DELAY": "--grant-delay"}


@dataclass(frozen=True)
class Service:
    """A server: what it is for, where it answers, and how it is started.

    ``url`` is where it is asked for its health, at ``socket`` where that is no TCP port.
    """

    process: Process
    what: str
    # The port in Pulumi.local.yaml with its setting's key; None for a Unix socket.
    port: tuple[int, str] | None
    seconds: float
    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    url: str
    health: str
    socket: Path | None = None
    # What else has to be done before it starts.
    prepare: Callable[[], object] = lambda: None
    # Whether the next one in the order can't start without it.
    needed_at_once: bool = False

    @property
    def name(self) -> str:
        """What the command line calls it."""
        return self.process.name

    @property
    def outdated(self) -> bool:
        """Whether it was started otherwise than it would be now, such as for another project."""
        return self.process.note("arguments") != self._arguments

    def start(self) -> None:
        """Start it."""
        self.prepare()
        self.process.start(self.argv, self.env, self.cwd, {"arguments": self._arguments})

    @property
    def _arguments(self) -> str:
        return shlex.join(self.argv[1:])

    @property
    def address(self) -> str:
        """Where it is, for a person."""
        return str(self.socket or self.url)

    def healthy(self) -> bool:
        """Whether it answers its health check now."""
        if self.socket and not self.socket.exists():
            return False
        # From here, since the path of a socket may not be long.
        socket = os.path.relpath(self.socket) if self.socket else None
        transport = httpx.HTTPTransport(uds=socket, verify=NO_CERTIFICATES, trust_env=False)
        try:
            with httpx.Client(transport=transport, timeout=ANSWER_SECONDS, trust_env=False) as client:
                answer = client.get(self.url + self.health)
        except httpx.TransportError:
            return False
        return answer.status_code == 200


def all_services(paths: Paths, config: Settings) -> list[Service]:
    """The emulator, the Google endpoints before it, and the Prefect server."""
    bigquery = Process("bigquery", paths.run, paths.logs)
    google = Process("google", paths.run, paths.logs)
    prefect = Process("prefect", paths.run, paths.logs)

    socket = paths.bigquery_socket.relative_to(paths.root)

    home = paths.bigquery / "home"

    def prepare_bigquery() -> None:
        # Its connections lead to the emulator that is gone.
        google.stop()
        emulator.install_extension(paths.emulator_python, home)

    # The owner's token stays in its file: arguments and environments are readable by others.
    google_argv = [sys.executable, "-m", "local.google", f"--port={config.google_port}"]
    google_argv += [f"--bigquery=unix:{socket}", f"--state={paths.google}", f"--project={config.project}"]
    google_argv += [f"{option}={os.environ[name]}" for name, option in DELAYS.items() if name in os.environ]
    return [
        Service(
            bigquery,
            "BigQuery emulator",
            None,
            60,
            emulator.command(paths.emulator_python, paths.bigquery, config.project, socket),
            emulator.environment(home),
            paths.root,
            "http://bigquery",
            "/readyz",
            paths.bigquery_socket,
            prepare_bigquery,
            needed_at_once=True,
        ),
        Service(
            google,
            "BigQuery, IAM, Resource Manager and OAuth endpoints",
            (config.google_port, settings.BIGQUERY),
            30,
            google_argv,
            os.environ,
            paths.root,
            config.google_url,
            "/health",
        ),
        Service(
            prefect,
            "Prefect server and its page",
            (config.prefect_port, settings.PREFECT),
            400,
            [sys.executable, "-m", "local.platform.prefect_server", str(config.prefect_port)],
            prefect_environment(paths, config),
            paths.root,
            config.prefect_page,
            "/api/health",
        ),
    ]


def prefect_environment(paths: Paths, config: Settings) -> dict[str, str]:
    """The server's own settings; none of the user's Prefect profile."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return kept | {
        "PREFECT_HOME": str(paths.prefect),
        "PREFECT_SERVER_API_HOST": "127.0.0.1",
        "PREFECT_SERVER_API_PORT": str(config.prefect_port),
        "PREFECT_UI_API_URL": config.prefect_api_url,
        "PREFECT_SERVER_UI_STATIC_DIRECTORY": str(paths.prefect / "page"),
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": config.prefect_page,
        "PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "true",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        # Registering all types of blocks anew is quicker than finding out that they are, which imports
        # prefect-gcp and prefect-dbt.
        "PREFECT_MEMOIZE_BLOCK_AUTO_REGISTRATION": "false",
        "PREFECT_LOGGING_SERVER_LEVEL": "WARNING",
        # Writers take turns on SQLite; a few more seconds of patience spare them a 503.
        "PREFECT_SERVER_DATABASE_TIMEOUT": "30",
    }
