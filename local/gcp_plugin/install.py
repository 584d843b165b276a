"""Writes the executable that the Pulumi CLI installs and starts as the `gcp` plugin."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

NAME = "pulumi-resource-gcp"
_PROJECT = Path(__file__).resolve().parents[2]


def write_plugin(directory: Path) -> Path:
    """Write the shim `pulumi-resource-gcp` into `directory` (made where absent) and return its path.

    It runs this Python on this project, wherever it is copied to; then
    `pulumi plugin install resource gcp 10.2.0 --file DIRECTORY` installs it.
    """
    directory.mkdir(parents=True, exist_ok=True)
    shim = directory / NAME
    shim.write_text(
        "#!/bin/sh\n"
        "# The local gcp plugin. The engine's own PYTHONPATH stays behind: it belongs to another program.\n"
        f"PYTHONPATH={shlex.quote(str(_PROJECT))}\n"
        "export PYTHONPATH\n"
        f'exec {shlex.quote(sys.executable)} -m local.gcp_plugin "$@"\n',
        encoding="utf-8",
    )
    shim.chmod(0o755)
    return shim
