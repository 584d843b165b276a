from __future__ import annotations

import sys
from pathlib import Path

import pytest

from local.paths import user_cache
from local.pulumi_cli import find


@pytest.fixture(scope="session")
def pulumi_bin() -> Path:
    """The directory of the Pulumi CLI, installed or built on first use."""
    return find.directory(user_cache(), lambda line: print(line, file=sys.stderr, flush=True))
