"""What the workflow for GitHub Actions runs, command by command, with the environment it installs."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import pytest
import yaml

from local.paths import PROJECT
from tests.checkout import Checkout
from tests.end_to_end import servers
from tests.uv import UV

pytestmark = pytest.mark.real

WORKFLOW = yaml.safe_load((PROJECT / ".github" / "workflows" / "pulumi.yml").read_text())


def commands(event: str) -> list[str]:
    """The commands of an event's steps, without those of other people's actions."""
    condition = f"github.event_name == '{event}'"
    steps = WORKFLOW["jobs"]["pulumi"]["steps"]
    return [step["run"] for step in steps if "run" in step and step.get("if", condition) == condition]


def carry_out(project: Checkout, event: str) -> str:
    """Run them as GitHub's runner does; what the last one printed."""
    # The language host of a CLI that is built here does not see the `virtualenv` of Pulumi.yaml.
    mine = str(project.root / ".venv" / "bin")
    path = os.pathsep.join([mine, project.variables()["PATH"], str(Path(UV).parent)])
    printed = ""
    for command in commands(event):
        # A variable that the repository does not have is an empty one here.
        env = {"STACK": "local", "PATH": path, "CI": "true", "PREFECT_UI_URL": ""}
        done = project.run("bash", "-e", "-c", command, env=env)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        printed = done.stdout
    return printed


def test_a_pull_request_changes_nothing_and_main_makes_the_stack(project: Checkout) -> None:
    # The environment of this test has more in it than the workflow installs.
    shutil.rmtree(project.root / ".venv")
    for name in ("pyproject.toml", "uv.lock"):
        shutil.copy(PROJECT / name, project.root)
    preview = carry_out(project, "pull_request")
    assert re.search(r"\+ \d+ to create", preview)
    assert servers.datasets(project) == set()
    assert servers.block_names(project) == set()
    outputs = json.loads(carry_out(project, "push"))
    assert outputs["prefectPage"] == outputs["prefectApi"].removesuffix("/api")
    assert outputs["dataset"] in servers.datasets(project)
    assert outputs["dbtCliProfileBlock"] in servers.block_names(project)
