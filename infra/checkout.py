"""The commit that the program runs at, for runs that clone the project."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pulumi


def commit(directory: Path) -> str:
    """Return the commit of a checkout; what is not committed is told, since runs would not have it.

    Raises RunError where there is none.
    """
    try:
        found = _git(directory, "rev-parse", "HEAD")
        changed = _git(directory, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError) as error:
        why = (getattr(error, "stderr", "") or str(error)).strip()
        raise pulumi.RunError(
            f"with `codeRepository` each run clones the commit that is checked out here, but git knows of "
            f"none in {directory}: {why}. Run Pulumi in a clone of the repository, or set `codePath` instead"
        ) from error
    if changed:
        pulumi.log.warn(
            f"runs clone the commit {found[:12]}, without the changes to {len(changed.splitlines())} files "
            "that are not committed here"
        )
    return found


def _git(directory: Path, *arguments: str) -> str:
    command = ["git", "-C", str(directory), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
