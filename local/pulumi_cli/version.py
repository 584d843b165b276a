"""The versions of the Pulumi CLI that work here, and what a given executable is."""

from __future__ import annotations

import os
import subprocess
import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# The oldest that the project is tested with; also `requiredPulumiVersion` in Pulumi.yaml.
MINIMUM = (3, 259, 0)
VERSION_SECONDS = 60


def text(version: tuple[int, int, int]) -> str:
    """`3.259.0`."""
    return ".".join(map(str, version))


def parse(printed: str) -> tuple[int, int, int] | None:
    """The version in what `pulumi version` prints (`v3.259.0`, perhaps with a suffix); None if it is none."""
    parts = printed.strip().removeprefix("v").split("-")[0].split("+")[0].split(".")
    if len(parts) != 3 or not all(part.isdigit() for part in parts):
        return None
    return int(parts[0]), int(parts[1]), int(parts[2])


def of(executable: Path) -> tuple[int, int, int] | None:
    """The version of an executable; None if it does not run or is not Pulumi."""
    try:
        # Even `pulumi version` writes a log into its home.
        with tempfile.TemporaryDirectory() as home:
            env = os.environ | {"PULUMI_SKIP_UPDATE_CHECK": "true", "PULUMI_HOME": home}
            done = subprocess.run(
                [executable, "version"],
                capture_output=True,
                text=True,
                timeout=VERSION_SECONDS,
                env=env,
                check=False,
            )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return parse(done.stdout) if done.returncode == 0 else None
