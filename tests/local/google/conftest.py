"""A gateway in this process over a fake BigQuery, and a real one over the real emulator."""

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
import pytest

from local.google.app import create_app
from local.platform import emulator as bigquery_emulator
from tests.local.google.fake_bigquery import FakeBigQuery
from tests.local.google.in_process import InProcess
from tests.local.google.world import PROJECT, World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI

ROOT = Path(__file__).parents[3]
EMULATOR_PYTHON = ROOT / "local" / "emulator" / ".venv" / "bin" / "python"
STARTS_WITHIN = 90.0  # seconds


@pytest.fixture
def bigquery() -> FakeBigQuery:
    return FakeBigQuery()


def gateway(state: Path, bigquery: FakeBigQuery, key_delay: float = 0, grant_delay: float = 0) -> FastAPI:
    """The endpoints over a fake BigQuery, with their state in a directory."""
    return create_app(
        state_dir=state,
        bigquery_url="http://bigquery.test",
        projects=[PROJECT, "other-project"],
        base_url="http://127.0.0.1:19050",
        transport=httpx.MockTransport(bigquery),
        key_delay=key_delay,
        grant_delay=grant_delay,
    )


@pytest.fixture
def world(tmp_path: Path, bigquery: FakeBigQuery) -> Iterator[World]:
    transport = InProcess(gateway(tmp_path, bigquery))
    with httpx.Client(transport=transport, base_url="http://127.0.0.1:19050") as client:
        yield World(client, (tmp_path / "owner-token").read_text())


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The BigQuery emulator's address, as the gateway is told it."""
    home = tmp_path_factory.mktemp("emulator")
    bigquery_emulator.install_extension(EMULATOR_PYTHON, home)
    at = home / "socket"
    argv = bigquery_emulator.command(EMULATOR_PYTHON, home, PROJECT, at)
    with running(argv, home / "log", bigquery_emulator.environment(home), "http://bigquery/healthz", at):
        yield f"unix:{at}"


@pytest.fixture(scope="session")
def real_url(emulator: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A gateway's address; its state lies in `real_state`."""
    state = tmp_path_factory.getbasetemp() / "gateway"
    port = free_port()
    argv = [sys.executable, "-m", "local.google", f"--port={port}", f"--bigquery={emulator}"]
    argv += [f"--state={state}", f"--project={PROJECT}"]
    url = f"http://127.0.0.1:{port}"
    with running(argv, state.with_suffix(".log"), dict(os.environ), f"{url}/health"):
        yield url


@pytest.fixture(scope="session")
def real_log(real_url: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the real gateway wrote to stderr."""
    return tmp_path_factory.getbasetemp() / "gateway.log"


@pytest.fixture(scope="session")
def real_world(real_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    token = (tmp_path_factory.getbasetemp() / "gateway" / "owner-token").read_text()
    with httpx.Client(base_url=real_url, timeout=60, trust_env=False) as client:
        yield World(client, token)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(
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
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(url: str, at: Path | None) -> bool:
    transport = httpx.HTTPTransport(uds=str(at)) if at else None
    try:
        if at:
            # httpx leaves a socket open that could not connect.
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(str(at))
        with httpx.Client(transport=transport, timeout=2, trust_env=False) as client:
            return client.get(url).status_code == 200
    except (OSError, httpx.TransportError):
        return False
