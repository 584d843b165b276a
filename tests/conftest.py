from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.paths import user_cache
from local.pulumi_cli import find

# What a test starts may keep what it compiles: some thousand processes compile the project otherwise.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@pytest.fixture(scope="session")
def pulumi_bin() -> Path:
    """The directory of the Pulumi CLI, installed or built on first use."""
    return find.directory(user_cache(), lambda line: print(line, file=sys.stderr, flush=True))


@pytest.fixture(scope="session", autouse=True)
def by_hand() -> Iterator[None]:
    """As on a person's machine: in continuous integration the settings ask for the workers' directory.

    For the whole session, since fixtures of modules read settings too. What is about continuous integration
    sets `CI` itself.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("CI", raising=False)
        yield
