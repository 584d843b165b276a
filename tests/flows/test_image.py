"""What the Dockerfile puts into the image, laid out without a Docker engine; a run as workers start it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests import tiny
from tests.asking import ask
from tests.flows.conftest import Platform
from tests.flows.servers import ROOT
from tests.uv import UV

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.real

# What the docker, kubernetes and cloud-run-v2 workers have their container run.
COMMAND = ["prefect", "flow-run", "execute"]


def instructions() -> Iterator[tuple[str, list[str]]]:
    """The Dockerfile's lines: an instruction and its words without options."""
    for line in (ROOT / "Dockerfile").read_text().splitlines():
        if line and not line.startswith("#"):
            name, *words = shlex.split(line)
            yield name, words


def lay_out(root: Path) -> tuple[Path, dict[str, str]]:
    """Do what the Dockerfile does, with `root` as /: its working directory, a container's environment."""
    directory = root
    variables: dict[str, str] = {}
    for name, words in instructions():
        if name == "WORKDIR":
            directory = root / words[0].lstrip("/")
            directory.mkdir(parents=True)
        elif name == "COPY" and not words[0].startswith("--from"):
            *sources, target = [word for word in words if not word.startswith("--")]
            for source in sources:
                copy(ROOT / source, directory / target)
        elif name == "RUN" and words[0] == "mkdir":
            (root / words[1].lstrip("/")).mkdir(parents=True)
        elif name == "RUN" and words[0] == "uv":
            # The cache of this machine is the user's own: that one is not what is tried here.
            command = [UV, *(word for word in words[1:] if word != "--no-cache")]
            env = os.environ | variables
            subprocess.run(command, check=True, cwd=directory, env=env, capture_output=True, timeout=600)
        elif name == "RUN" and "flows.packages" in words:
            command = [word for word in words if not word.startswith("--mount")]
            env = os.environ | variables
            python = shutil.which(command[0], path=env["PATH"]) or ""
            subprocess.run(
                [python, *command[1:]], check=True, cwd=directory, env=env, capture_output=True, timeout=600
            )
        elif name == "ENV":
            for variable, value in (word.split("=", 1) for word in words):
                placed = f"{root}{value}" if value.startswith("/") else value
                variables[variable] = placed.replace("$PATH", os.environ["PATH"])
    return directory, variables


def copy(source: Path, target: Path) -> None:
    if source.is_dir():
        # As .dockerignore has it: what dbt makes is left out, and `flows/` has a room called target.
        made = ("target", "logs", "dbt_packages") if source.name == "dbt" else ()
        left_out = shutil.ignore_patterns("__pycache__", *made)
        shutil.copytree(source, target, ignore=left_out)
    else:
        shutil.copy(source, target)


def handed_out(platform: Platform) -> dict[str, Any]:
    """A run of a deployment such as the stack's, as a worker has taken it."""
    flow = ask("POST", f"{platform.prefect}/flows/", {"name": "pipeline-dbt-complet"})
    deployment = {
        "name": "dbt-tiny",
        "flow_id": flow["id"],
        "entrypoint": "flows.pipeline.dbt_full_pipeline",
        "parameters": {"target": "tiny"},
    }
    made = ask("POST", f"{platform.prefect}/deployments/", deployment)
    wish = {"state": {"type": "PENDING"}}
    run: dict[str, Any] = ask("POST", f"{platform.prefect}/deployments/{made['id']}/create_flow_run", wish)
    return run


def copied(temporary: Path) -> set[str]:
    """What the copies hold that Prefect works in."""
    return {entry.name for entry in temporary.glob("prefect-flow-run-*/*")}


def test_a_run_in_the_image_copies_nothing_but_its_code(platform: Platform, tmp_path: Path) -> None:
    app, variables = lay_out(tmp_path / "root")
    code = {"dbt", "flows", "pyproject.toml", "uv.lock"}
    assert {entry.name for entry in app.iterdir()} == code
    assert (app / "dbt" / "dbt_project.yml").exists()
    # The servers of the tests know the tables of the tiny project only.
    shutil.rmtree(app / "dbt")
    shutil.copytree(tiny.DIRECTORY, app / "dbt")
    run, temporary, log = handed_out(platform), tmp_path / "tmp", tmp_path / "log"
    temporary.mkdir()
    seen: set[str] = set()
    env = platform.environment(
        **variables, PYTHONPATH="", TMPDIR=str(temporary), PREFECT__FLOW_RUN_ID=run["id"]
    )
    with (
        log.open("wb") as output,
        subprocess.Popen(
            # The image's own `prefect`, which is the first on its PATH.
            [shutil.which(COMMAND[0], path=variables["PATH"]) or "", *COMMAND[1:]],
            cwd=app,
            env=env,
            stdout=output,
            stderr=output,
        ) as process,
    ):
        deadline = time.monotonic() + 300
        while process.poll() is None and time.monotonic() < deadline:
            seen |= copied(temporary)
            time.sleep(0.1)
        process.kill()
    state = ask("GET", f"{platform.prefect}/flow_runs/{run['id']}")["state"]
    assert (process.returncode, state["type"]) == (0, "COMPLETED"), log.read_text()
    assert seen == code
