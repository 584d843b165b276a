"""Google's provider for Pulumi as it is published, to compare the local `gcp` plugin with."""

from __future__ import annotations

import lzma
import platform
import shutil
import sys
from pathlib import Path

import pytest

from local.gcp_plugin.install import NAME
from local.paths import PROJECT

PACKED = PROJECT.parent / "shared" / "gcp-plugin" / f"{NAME}.xz"


def unpack(directory: Path) -> Path:
    """Put the executable, 300 MB, into `directory`; skip the test where it is not at hand."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        pytest.skip("the official plugin at hand is for linux/amd64")
    if not PACKED.exists():
        pytest.skip(f"the official plugin is not at hand ({PACKED})")
    executable = directory / NAME
    with lzma.open(PACKED) as packed, executable.open("wb") as unpacked:
        shutil.copyfileobj(packed, unpacked, 1 << 20)
    executable.chmod(0o755)
    return executable
