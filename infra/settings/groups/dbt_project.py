"""The dbt project that a stack is for: where it lies, and the profile that it asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from infra.settings.project import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def directory(setting: str) -> Path:
    """Return the directory that the setting names, relative to this program's; `dbt` where it is empty."""
    return ROOT / (setting or "dbt")


def check_dbt_project_dir(value: str) -> str:
    """Return it; raise ValueError where it holds no dbt project."""
    profile(value)
    return value


def profile(setting: str) -> str:
    """Return the name of the dbt profile that the project in the directory asks for.

    One that names none, or by a template, gets a profile of its own name: the flow tells dbt which to take.
    Raises ValueError if there is no dbt project.
    """
    file = directory(setting) / "dbt_project.yml"
    try:
        found: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(
            f"{file} cannot be read: {error.strerror}; name the dbt project's directory"
        ) from error
    except (ValueError, yaml.YAMLError) as error:
        raise ValueError(f"{file} is no YAML: {' '.join(str(error).split())}") from error
    said = found if isinstance(found, dict) else {}
    for name in (said.get("profile"), said.get("name")):
        if isinstance(name, str) and name and "{{" not in name:
            return name
    raise ValueError(f"{file} has no `name:`")
