"""Let dbt read a project for a target that need not exist yet: nothing is asked of Prefect or Google."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from flows.commands.options import Options
from flows.engine import arguments
from flows.engine.internals import invocation, needing
from flows.errors import DbtError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flows.project.needs import Needs
    from flows.target.dbt_profile import DbtProfile


def needs(profile: DbtProfile, project_dir: Path, environment: Mapping[str, str], variables: str) -> Needs:
    """Return what the whole project needs of the profile's target.

    ``environment`` is set while dbt reads, unless the shell has it.
    ``variables`` are those of the project, as `Options` has them.

    What dbt writes for itself goes to a directory of its own, so that a run of the flow is not disturbed.
    Raises DbtError if the project does not parse.
    """
    with tempfile.TemporaryDirectory(prefix="dbt-adopt-") as directory:
        (Path(directory) / "profiles.yml").write_text(profile.text, encoding="utf-8")
        words = arguments.of_command(
            "parse",
            profile=profile.name,
            target=profile.target,
            project_dir=project_dir,
            profiles_dir=Path(directory),
            options=Options(variables=variables),
        )
        outcome = invocation.invoke(
            [*words, "--target-path", directory, "--log-path", directory],
            manifest=None,
            environment={name: value for name, value in environment.items() if name not in os.environ},
            on_event=lambda _: None,
            may_run_on=lambda _: None,
        )
    if outcome.exception is not None:
        raise DbtError(f"dbt parse stopped: {str(outcome.exception).strip()}") from outcome.exception
    main = (str(profile.output["project"]), str(profile.output["schema"]))
    return needing.of(outcome.result, main)
