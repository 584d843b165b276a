"""Run a command of `flows` on another dbt project than the one of this repository.

python -m tests.flows.elsewhere flows.pipeline <dbt project directory> --target tiny …
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any


def words(project: Path, *options: str, command: str = "flows.pipeline") -> list[str]:
    """Return the command line, for a process that has this repository in its PYTHONPATH."""
    return [sys.executable, "-m", "tests.flows.elsewhere", command, str(project), *options]


def main(command: str, project: Path, options: list[str]) -> int:
    """Run the command and return its exit code."""
    module: Any = importlib.import_module(command)
    module.PROJECT_DIR = project
    code: int = module.main(options)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:]))
