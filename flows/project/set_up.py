"""What a command needs before it can begin: the target's blocks, their dbt profile, and a dbt project."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flows.project import directory
from flows.target import blocks, dbt_profile

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from flows.target.dbt_profile import DbtProfile


@dataclass(frozen=True)
class SetUp:
    """A target's `dbt-cli-profile` block, the profile that it holds, and the directory of the dbt project."""

    document: Mapping[str, Any]
    profile: DbtProfile
    project_dir: Path


def load(target: str, project_dir: str | None = None) -> SetUp:
    """Read the target's blocks, and find the dbt project that they are made for.

    Raises UsageError, NotSetUpError, or UnreachableError if Prefect does not answer.
    """
    document = blocks.load_dbt_cli_profile(target)
    profile = dbt_profile.from_document(document, target)
    found = directory.find(project_dir, target, document)
    directory.check_profile(found, profile.name, target)
    return SetUp(document, profile, found.path)
