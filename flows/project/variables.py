"""The environment variables that a dbt project asks for: `env_var('NAME')` in its files and its packages'."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from flows.project import packages
from flows.project.directory import PROJECT_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator

_CALL = re.compile(r"""\benv_var\s*\(\s*(['"])(\w+)\1\s*(,|\))""")
_SUFFIXES = {".sql", ".yml", ".yaml", ".md", ".py"}
_NOT_SOURCE = {"target", "logs", "__pycache__"}
# dbt looks for what a person's own profile needs; the flow brings another.
_PROFILES = "profiles.yml"


def of(project_dir: Path) -> dict[str, bool]:
    """Return the variables, each with whether it has to be set: some call gives no default."""
    found: dict[str, bool] = {}
    installed = packages.install_path(project_dir)
    there = installed is not None and installed.is_dir()
    for project in (project_dir, *(sorted(installed.iterdir()) if installed and there else ())):
        for path in _files(project):
            for _, variable, then in _CALL.findall(_text(path)):
                found[variable] = found.get(variable, False) or then == ")"
    return dict(sorted(found.items()))


def _files(project: Path) -> Iterator[Path]:
    """Give the files that dbt may read of one project; a package may hold others, as for its own tests."""
    seen = set()
    for directory, below, names in os.walk(project, followlinks=True):
        real = os.path.realpath(directory)
        below[:] = [name for name in below if real not in seen and _belongs(directory, name)]
        if real not in seen:
            paths = (Path(directory, name) for name in names if name != _PROFILES)
            yield from (path for path in paths if path.suffix in _SUFFIXES)
        seen.add(real)


def _belongs(directory: str, name: str) -> bool:
    hidden = name in _NOT_SOURCE or name.startswith(".")
    return not hidden and not Path(directory, name, PROJECT_FILE).is_file()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
