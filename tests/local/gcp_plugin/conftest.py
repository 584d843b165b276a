"""One Google for all contract tests; each stack has a directory of its own."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.gcp_plugin.install import write_plugin
from tests import official_gcp, warm_python
from tests.local.gcp_plugin import platform
from tests.local.gcp_plugin.engine import Plugin, Stack

StackMaker = Callable[[Plugin], Stack]


@pytest.fixture(scope="session")
def google(tmp_path_factory: pytest.TempPathFactory) -> Iterator[platform.Google]:
    with platform.running(tmp_path_factory.mktemp("google")) as running:
        yield running


@pytest.fixture(scope="session")
def local_plugin(tmp_path_factory: pytest.TempPathFactory, pulumi_bin: Path) -> Plugin:
    # A space in the path: the shim has to quote.
    directory = tmp_path_factory.mktemp("local plugin")
    shim = write_plugin(directory)
    text = shim.read_text()
    python = warm_python.pulumi()
    quick = text.replace(f"exec {shlex.quote(sys.executable)} ", f"exec {python} ")
    assert quick != text
    shim.write_text(quick)
    return _installed("local", directory, tmp_path_factory.mktemp("home"), pulumi_bin)


@pytest.fixture(scope="session")
def official_plugin(tmp_path_factory: pytest.TempPathFactory, pulumi_bin: Path) -> Plugin:
    directory = tmp_path_factory.mktemp("official")
    executable = official_gcp.unpack(directory, pulumi_bin)
    plugin = _installed("official", directory, tmp_path_factory.mktemp("home"), pulumi_bin)
    executable.unlink()
    return plugin


@pytest.fixture(scope="session", params=["local", "official"])
def plugin(request: pytest.FixtureRequest) -> Plugin:
    """Each of the two plugins."""
    found: Plugin = request.getfixturevalue(f"{request.param}_plugin")
    return found


@pytest.fixture(scope="session")
def make_stack(
    google: platform.Google, pulumi_bin: Path, tmp_path_factory: pytest.TempPathFactory
) -> StackMaker:
    """Give an empty stack for a plugin."""

    def make(plugin: Plugin) -> Stack:
        return Stack(tmp_path_factory.mktemp(plugin.name) / "stack", plugin, google, pulumi_bin, google.token)

    return make


@pytest.fixture
def stack(plugin: Plugin, make_stack: StackMaker, google: platform.Google) -> Iterator[Stack]:
    """An empty stack for each plugin. What a test leaves in Google is taken away: the next has its names."""
    yield make_stack(plugin)
    google.clear()


def _installed(name: str, directory: Path, home: Path, pulumi_bin: Path) -> Plugin:
    subprocess.run(
        [pulumi_bin / "pulumi", "plugin", "install", "resource", "gcp", "10.2.0", "--file", directory],
        env=os.environ | {"PULUMI_HOME": str(home), "PULUMI_SKIP_UPDATE_CHECK": "true"},
        check=True,
        capture_output=True,
        timeout=120,
    )
    return Plugin(name, home)
