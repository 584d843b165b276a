"""Which dbt project a command works on, and whether the target's blocks are made for it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from flows.errors import NotSetUpError, PipelineError, UsageError
from flows.target import names

if TYPE_CHECKING:
    from collections.abc import Mapping

PROJECT_FILE = "dbt_project.yml"
# dbt's own variable for the same.
VARIABLE = "DBT_PROJECT_DIR"
# The extra of `dbt-cli-global-configs-<target>` that holds the stack's setting.
EXTRA = "project_dir"
SETTING = "projet-m2-bi:dbtProjectDir"


@dataclass(frozen=True)
class Directory:
    """The directory of a dbt project. ``said_by`` is what chose it: option, variable, setting or ""."""

    path: Path
    said_by: str = ""

    @property
    def file(self) -> Path:
        """The project's own `dbt_project.yml`."""
        return self.path / PROJECT_FILE


def find(
    given: str | os.PathLike[str] | None, target: str, document: Mapping[str, Any] | None = None
) -> Directory:
    """Return the directory of the dbt project: as given, else as DBT_PROJECT_DIR, else as the stack says.

    ``document`` is the target's `dbt-cli-profile` block. What is given, or stands in the variable, is
    relative to the working directory, as for dbt; what the stack says, to the directory that holds `flows/`.
    Unless somebody says otherwise it is `dbt/` there.

    Raises UsageError, or NotSetUpError for a setting, if no dbt project is there.
    """
    found = _chosen(given, document or {})
    if found.file.is_file():
        return found
    setting = found.said_by == SETTING
    kind: type[PipelineError] = NotSetUpError if setting or not found.said_by else UsageError
    if setting:
        fix = f"`pulumi config set {SETTING} DIRECTORY -s {target}`, then {names.bring_up(target)}"
    else:
        fix = f"`--project-dir DIRECTORY`, {VARIABLE}, or `pulumi config set {SETTING} DIRECTORY -s {target}`"
    where = f" ({found.said_by})" if found.said_by else ""
    raise kind(
        f"there is no dbt project in {found.path}{where}: it has no {PROJECT_FILE}. Name one with {fix}."
    )


def _chosen(given: str | os.PathLike[str] | None, document: Mapping[str, Any]) -> Directory:
    if given is not None:
        return Directory(Path(given).resolve(), "--project-dir")
    if variable := os.environ.get(VARIABLE):
        return Directory(Path(variable).resolve(), VARIABLE)
    extras = (document.get("global_configs") or {}).get("extras") or {}
    if setting := extras.get(EXTRA):
        return Directory((names.PROJECT_ROOT / str(setting)).resolve(), SETTING)
    return Directory(names.PROJECT_ROOT / "dbt")


def read(directory: Directory) -> dict[str, Any]:
    """Return what `dbt_project.yml` says, Jinja as it stands. Raises UsageError where that is no mapping."""
    try:
        found = yaml.safe_load(directory.file.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UsageError(f"{directory.file} cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise UsageError(f"{directory.file} holds no settings of a dbt project.")
    return found


def check_profile(directory: Directory, profile: str, target: str) -> None:
    """Raise NotSetUpError if the blocks of ``target`` were made for another dbt project.

    A project whose profile is a template, or that names none, takes any.
    """
    own = read(directory).get("profile")
    if not isinstance(own, str) or "{{" in own or own == profile:
        return
    block = names.dbt_cli_profile(target)
    fix = names.bring_up(target)
    if directory.said_by not in {"", SETTING}:
        fix = f"`pulumi config set {SETTING} {directory.path} -s {target}`, then {fix}"
    raise NotSetUpError(
        f"the block {block} holds the dbt profile {profile!r}, but {directory.file} says `profile: {own}`. "
        f"If {target} is this project's, make its blocks for it with {fix}."
    )
