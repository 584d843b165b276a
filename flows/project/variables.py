"""The environment variables that a dbt project asks for: `env_var('NAME')` in its files and its packages'."""

from __future__ import annotations

import os
import re
from pathlib import Path

_CALL = re.compile(r"""\benv_var\s*\(\s*(['"])(\w+)\1\s*(,|\))""")
_SUFFIXES = {".sql", ".yml", ".yaml", ".md", ".py"}
_NOT_SOURCE = {"target", "logs", "__pycache__"}
# dbt looks for what a person's own profile needs; the flow brings another.
_PROFILES = "profiles.yml"


def of(project_dir: Path) -> dict[str, bool]:
    """Return the variables, each with whether it has to be set: some call gives no default."""
    found: dict[str, bool] = {}
    for directory, below, names in os.walk(project_dir, followlinks=True):
        below[:] = [name for name in below if name not in _NOT_SOURCE and not name.startswith(".")]
        for name in names:
            path = Path(directory, name)
            if path.suffix in _SUFFIXES and name != _PROFILES:
                for _, variable, then in _CALL.findall(_text(path)):
                    found[variable] = found.get(variable, False) or then == ")"
    return dict(sorted(found.items()))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
