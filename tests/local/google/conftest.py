"""A gateway in this process over a fake BigQuery, and a real one over the real emulator."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from local.google.app import create_app
from tests import gateway as servers
from tests.local.google import clients
from tests.local.google.fake_bigquery import FakeBigQuery
from tests.local.google.in_process import InProcess
from tests.local.google.world import PROJECT, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fastapi import FastAPI


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
    with servers.emulated(tmp_path_factory.mktemp("emulator"), PROJECT) as address:
        yield address


@pytest.fixture(scope="session")
def real_url(emulator: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A gateway's address."""
    with servers.gateway(tmp_path_factory.getbasetemp() / "gateway", emulator, PROJECT) as url:
        yield url


@pytest.fixture(scope="session")
def real_log(real_url: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the real gateway wrote to stderr."""
    return tmp_path_factory.getbasetemp() / "gateway.log"


@pytest.fixture(scope="session")
def real_world(real_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    token = servers.owner_token(tmp_path_factory.getbasetemp() / "gateway")
    with httpx.Client(base_url=real_url, timeout=60, trust_env=False) as client:
        yield World(client, token)


@pytest.fixture
def setup(real_world: World, real_url: str) -> Iterator[clients.Setup]:
    with clients.setup(real_world, real_url) as made:
        yield made
