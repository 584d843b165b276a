"""Google's provider for Pulumi as it is published, to compare the local `gcp` plugin with."""

from __future__ import annotations

import functools
import lzma
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from local.gcp_plugin.install import NAME
from local.paths import PROJECT, user_cache
from local.pulumi_cli.pulumi_home import GCP_VERSION

PACKED = PROJECT.parent / "shared" / "gcp-plugin" / f"{NAME}.xz"
# The plugin has 300 MB.
INSTALL_SECONDS = 600


def unpack(directory: Path, pulumi_bin: Path) -> Path:
    """Put the executable into `directory`; skip the test where it can't be had."""
    executable = directory / NAME
    if PACKED.exists() and (sys.platform, platform.machine()) == ("linux", "x86_64"):
        with lzma.open(PACKED) as packed, executable.open("wb") as unpacked:
            shutil.copyfileobj(packed, unpacked, 1 << 20)
    else:
        shutil.copyfile(_installed(pulumi_bin), executable)
    executable.chmod(0o755)
    return executable


@functools.cache
def _installed(pulumi_bin: Path) -> Path:
    """Let Pulumi install it as for anybody, once for all checkouts of this user."""
    home = user_cache() / "official-gcp-plugin"
    done = subprocess.run(
        [pulumi_bin / "pulumi", "plugin", "install", "resource", "gcp", GCP_VERSION],
        env=os.environ | {"PULUMI_HOME": str(home), "PULUMI_SKIP_UPDATE_CHECK": "true"},
        capture_output=True,
        text=True,
        check=False,
        timeout=INSTALL_SECONDS,
    )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["pulumi plugin install failed"])[-1]
        pytest.skip(f"the official plugin is not at hand ({PACKED}), nor can it be installed: {last}")
    return home / "plugins" / f"resource-gcp-v{GCP_VERSION}" / NAME
