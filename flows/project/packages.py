"""The packages of a dbt project: which it asks for, and whether they are installed. dbt is not imported."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

SPECIFIED = ("packages.yml", "dependencies.yml")
LOCK_FILE = "package-lock.yml"
# Kept beside the packages, which `dbt deps` removes together with it.
_STAMP = ".installed.json"


def specified(project_dir: Path) -> list[str]:
    """Return the packages that the project asks for, each as its file names it; other projects are none."""
    return [_source(entry) for name in SPECIFIED for entry in _entries(project_dir / name)]


def install_path(project_dir: Path) -> Path | None:
    """Return the directory of the packages; None where `dbt_project.yml` says it by a template."""
    said = _mapping(project_dir / "dbt_project.yml").get("packages-install-path", "dbt_packages")
    return None if not isinstance(said, str) or "{{" in said else project_dir / said


def lacking(project_dir: Path) -> str | None:
    """Say why the packages have to be installed; None where they are there as `package-lock.yml` says.

    A version is compared once: where the packages are noted as installed (`note`), a package whose own file
    still tells an older version is not installed again and again.
    """
    directory = install_path(project_dir)
    if not (project_dir / LOCK_FILE).is_file():
        return f"there is no {LOCK_FILE}"
    if directory is None or not directory.is_dir():
        return f"{directory or 'the directory of the packages'} is absent"
    locked = _entries(project_dir / LOCK_FILE)
    noted = _mapping(directory / _STAMP).get("digest")
    if noted is None:
        known = {_source(entry) for entry in locked}
        if new := [one for one in specified(project_dir) if one not in known]:
            return f"{LOCK_FILE} does not know {', '.join(new)}"
    elif noted != _digest(project_dir):
        return f"{' or '.join(SPECIFIED)} or {LOCK_FILE} has changed"
    # A dbt before 1.9 wrote no names.
    return next(filter(None, (_wrong(directory, one, noted) for one in locked if one.get("name"))), None)


def _wrong(directory: Path, entry: Mapping[str, Any], noted: str | None) -> str | None:
    """Say what is wrong with one package that is locked."""
    own = directory / str(entry["name"]) / "dbt_project.yml"
    if not own.is_file():
        return f"{own.parent} is absent"
    found, wanted = _mapping(own).get("version"), entry.get("version")
    if noted is None and "package" in entry and str(found) != str(wanted):
        return f"{entry['name']} is {found}, not {wanted}"
    return None


def note(project_dir: Path) -> None:
    """Note that the packages are installed as the project's files say now."""
    directory = install_path(project_dir)
    if directory and directory.is_dir():
        text = json.dumps({"digest": _digest(project_dir)})
        (directory / _STAMP).write_text(text + "\n", encoding="utf-8")


def _source(entry: Mapping[str, Any]) -> str:
    kinds = ("package", "git", "private", "tarball", "local")
    return str(next((entry[kind] for kind in kinds if kind in entry), entry))


def _digest(project_dir: Path) -> str:
    found = hashlib.sha256()
    for name in (*SPECIFIED, LOCK_FILE):
        path = project_dir / name
        found.update(name.encode() + (path.read_bytes() if path.is_file() else b""))
    return found.hexdigest()[:16]


def _entries(file: Path) -> list[dict[str, Any]]:
    entries = _mapping(file).get("packages")
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _mapping(file: Path) -> dict[str, Any]:
    """Return what a YAML file says. One that is absent or broken says nothing: dbt tells what is wrong."""
    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    return found if isinstance(found, dict) else {}
