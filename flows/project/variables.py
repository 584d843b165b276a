"""The environment variables that a dbt project asks for: `env_var('NAME')` in its files and its packages'."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from flows.project import packages
from flows.project.directory import PROJECT_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator

_CALL = re.compile(r"""\benv_var\s*\(\s*(['"])(\w+)\1\s*(,|\))""")
# What Jinja passes over.
_PASSED_OVER = re.compile(r"\{#.*?#\}|\{%-?\s*raw\s*-?%\}.*?\{%-?\s*endraw\s*-?%\}", re.DOTALL)
# What dbt renders, in `dbt.config.project` and `dbt.parser`: a project's own files, and below its paths SQL
# and YAML. Of a page for the docs and of a Python model it renders nothing; the flow brings its own profile.
_OWN = (PROJECT_FILE, "packages.yml", "dependencies.yml", "selectors.yml")
_YAML = {".yml", ".yaml"}
_RENDERED = {".sql", *_YAML}
_PATHS = {
    ("analysis-paths",): "analyses",
    ("function-paths",): "functions",
    ("macro-paths",): "macros",
    ("model-paths", "source-paths"): "models",
    ("seed-paths", "data-paths"): "seeds",
    ("snapshot-paths",): "snapshots",
    ("test-paths",): "tests",
}


def of(project_dir: Path) -> dict[str, bool]:
    """Return the variables, each with whether it has to be set: some file's calls give no default.

    Where one does, the file asks first whether the variable is set. If not, the run says that it lacks.
    """
    found: dict[str, bool] = {}
    installed = packages.install_path(project_dir)
    there = installed is not None and installed.is_dir()
    for project in (project_dir, *(sorted(installed.iterdir()) if installed and there else ())):
        for path in _files(project):
            calls = _CALL.findall(_PASSED_OVER.sub("", _text(path)))
            asked_first = {variable for _, variable, then in calls if then == ","}
            for _, variable, _ in calls:
                found[variable] = found.get(variable, False) or variable not in asked_first
    return dict(sorted(found.items()))


def _files(project: Path) -> Iterator[Path]:
    """Give the files that dbt renders of one project. A package may hold others, as for its own tests."""
    yield from (project / name for name in _OWN)
    seen: set[str] = set()
    for top in _tops(project):
        for directory, below, names in os.walk(top, followlinks=True):
            real = os.path.realpath(directory)
            if real in seen:
                below.clear()
            else:
                yield from (Path(directory, name) for name in names if Path(name).suffix in _RENDERED)
            seen.add(real)


def _tops(project: Path) -> list[Path]:
    """Return the directories that dbt looks into."""
    said = _parsed(_read(project / PROJECT_FILE))
    said = said if isinstance(said, dict) else {}
    found = []
    for keys, usual in _PATHS.items():
        paths = next((said[key] for key in keys if said.get(key)), [usual])
        found += [project / str(path) for path in paths]
    return found


def _text(path: Path) -> str:
    """Return what may be rendered of a file: of YAML, its values and keys without the comments."""
    text = _read(path)
    if path.suffix not in _YAML or not _CALL.search(text):
        return text
    parsed = _parsed(text)
    return text if parsed is None else "\n".join(_strings(parsed))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _parsed(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return None


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from (*_strings(key), *_strings(inner))
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
    elif isinstance(value, str):
        yield value
