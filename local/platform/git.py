"""What git is told about this checkout."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

FILTER = "filter.local-salt"


def hide_salt(settings: Path) -> None:
    """Keep the local stack's `encryptionsalt` out of commits and of `git status`.

    Pulumi writes the line into Pulumi.local.yaml; it fits only this machine's passphrase. `.gitattributes`
    names the filter, which each checkout has to define for itself. Outside a checkout nothing is done.
    """
    if shutil.which("git") is None or not (settings.parent / ".git").exists():
        return
    _git(settings, "config", f"{FILTER}.clean", "sed '/^encryptionsalt:/d'")
    _git(settings, "config", f"{FILTER}.smudge", "cat")
    if not _git(settings, "diff", "--", settings.name):
        # The file's size alone makes `git status` call it modified, until git has read it through the filter.
        _git(settings, "add", "--", settings.name)


def _git(settings: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=settings.parent, capture_output=True, text=True, check=False, timeout=30
    )
    return done.stdout
