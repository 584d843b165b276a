from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.providers import prefect_server
from tests.providers.engine import Stack
from tests.providers.prefect_server import PrefectServer

# These tests share a machine with servers and engines: how long one example takes says nothing.
settings.register_profile("providers", deadline=None, max_examples=60)
settings.load_profile("providers")


@pytest.fixture(scope="session")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    """One server for all tests, since it takes a while; each test uses names of its own."""
    with prefect_server.running(tmp_path_factory.mktemp("prefect")) as server:
        yield server


@pytest.fixture
def stack(tmp_path: Path, prefect: PrefectServer, pulumi_bin: Path) -> Stack:
    """An empty stack that knows where Prefect is."""
    return Stack(tmp_path, prefect.url, pulumi_bin)


@pytest.fixture
def prefix() -> str:
    """What the names of a test's blocks begin with."""
    return f"t{uuid.uuid4().hex[:8]}-"
