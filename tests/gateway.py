"""BigQuery as the local platform has it: the emulator and the gateway before it, each a process."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from local.plain_http import NO_CERTIFICATES
from local.platform import emulator
from tests import processes
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
EMULATOR_PYTHON = ROOT / "local" / "emulator" / ".venv" / "bin" / "python"
STARTS_WITHIN = 300.0  # seconds


@contextmanager
def emulated(home: Path, project: str) -> Iterator[str]:
    """Yield the emulator's address, as the gateway is told it."""
    home.mkdir(parents=True, exist_ok=True)
    emulator.install_extension(EMULATOR_PYTHON, home)
    at = home / "socket"
    argv = emulator.command(EMULATOR_PYTHON, home, project, at)
    with _running(argv, home / "log", emulator.environment(home), "http://bigquery/healthz", at):
        yield f"unix:{at}"


@contextmanager
def gateway(state: Path, bigquery: str, project: str) -> Iterator[str]:
    """Yield a gateway's address; its owner's token lies in ``state``, what it writes beside it."""
    port = free_port()
    argv = [sys.executable, "-m", "local.google", f"--port={port}", f"--bigquery={bigquery}"]
    argv += [f"--state={state}", f"--project={project}"]
    url = f"http://127.0.0.1:{port}"
    with _running(argv, state.with_suffix(".log"), dict(os.environ), f"{url}/health"):
        yield url


def owner_token(state: Path) -> str:
    """The token of who may do everything."""
    return (state / "owner-token").read_text()


@contextmanager
def _running(
    argv: list[str], log: Path, environment: dict[str, str], ready: str, at: Path | None = None
) -> Iterator[None]:
    """Run a server until the block ends; it is ready once `ready` answers 200."""
    with log.open("wb") as output:
        process = subprocess.Popen(argv, cwd=ROOT, env=environment, stdout=output, stderr=output)
    try:
        until = time.monotonic() + STARTS_WITHIN
        while not _answers(ready, at):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.1)
        yield
    finally:
        processes.end(process, 15)


def _answers(url: str, at: Path | None) -> bool:
    transport = httpx.HTTPTransport(uds=str(at) if at else None, verify=NO_CERTIFICATES, trust_env=False)
    try:
        if at:
            # httpx leaves a socket open that could not connect.
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(str(at))
        with httpx.Client(transport=transport, timeout=2, trust_env=False) as client:
            return client.get(url).status_code == 200
    except (OSError, httpx.TransportError):
        return False
