"""The command line of a command of `flows` for another dbt project than the one of this repository."""

from __future__ import annotations

import sys
from pathlib import Path


def words(project: Path, *options: str, command: str = "flows.pipeline") -> list[str]:
    """Return the command line, for a process that has this repository in its PYTHONPATH."""
    return [sys.executable, "-m", command, "--project-dir", str(project), *options]
