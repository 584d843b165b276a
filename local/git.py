"""What git is told about this checkout."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

FILTER = "filter.local-salt"


def hide_salt(root: Path) -> None:
    """Keep the local stack's `encryptionsalt` out of commits and of `git status`.

    Pulumi writes the line into Pulumi.local.yaml; it fits only this machine's passphrase. `.gitattributes`
    names the filter, which each checkout has to define for itself. Outside a checkout nothing is done.
    """
    git = shutil.which("git")
    if git is None or not (root / ".git").exists():
        return
    for name, value in (("clean", "sed '/^encryptionsalt:/d'"), ("smudge", "cat")):
        subprocess.run(
            [git, "config", f"{FILTER}.{name}", value], cwd=root, capture_output=True, check=False, timeout=30
        )
