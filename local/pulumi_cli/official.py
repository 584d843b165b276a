"""The official installer, through Pulumi's own Automation API."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from local.pulumi_cli import version

INSTALL_SECONDS = 600
# A network that swallows packets would otherwise hold the installer for minutes.
REACH_SECONDS = 10

_INSTALL = """
import sys, urllib.request
from pulumi.automation import PulumiCommand
urllib.request.urlopen("https://get.pulumi.com/install.sh", timeout=float(sys.argv[2])).close()
PulumiCommand.install(root=sys.argv[1])
"""


def install(home: Path, say: Callable[[str], None]) -> str | None:
    """Install the CLI that matches the SDK into `home`; the reason if that did not work, else None.

    What an interrupted installation leaves behind is removed by the next one.
    """
    partial = home.with_name(f"{home.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    say("installing the Pulumi CLI with Pulumi's own installer")
    argv = [sys.executable, "-c", _INSTALL, str(partial), str(REACH_SECONDS)]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return f"no end within {INSTALL_SECONDS} s"
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        return lines[-1] if lines else f"exit code {done.returncode}"
    found = version.of(partial / "bin" / "pulumi")
    if found is None:
        return "what it installed does not run"
    shutil.rmtree(home, ignore_errors=True)
    partial.rename(home)
    return None
