"""What the Dockerfile puts into the image, laid out without a Docker engine, and a run of the flow there."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests import tiny
from tests.flows.conftest import Platform, run
from tests.flows.servers import ROOT
from tests.uv import UV

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.real


def instructions() -> Iterator[tuple[str, list[str]]]:
    """The Dockerfile's lines: an instruction and its words without options."""
    for line in (ROOT / "Dockerfile").read_text().splitlines():
        if line and not line.startswith("#"):
            name, *words = shlex.split(line)
            yield name, words


def lay_out(directory: Path) -> dict[str, str]:
    """Do what the Dockerfile does to its working directory; the environment of a container."""
    variables: dict[str, str] = {}
    for name, words in instructions():
        if name == "COPY" and not words[0].startswith("--from"):
            *sources, target = [word for word in words if not word.startswith("--")]
            for source in sources:
                copy(ROOT / source, directory / target)
        elif name == "RUN" and words[0] == "uv":
            # The cache of this machine is the user's own: that one is not what is tried here.
            command = [UV, *(word for word in words[1:] if word != "--no-cache")]
            subprocess.run(command, check=True, cwd=directory, capture_output=True, timeout=600)
        elif name == "ENV":
            variables |= dict(word.split("=", 1) for word in words)
    home = variables["PATH"].removesuffix(":$PATH")
    return variables | {"PATH": home.replace("/app", str(directory)) + os.pathsep + os.environ["PATH"]}


def copy(source: Path, target: Path) -> None:
    if source.is_dir():
        left_out = shutil.ignore_patterns("__pycache__", "target", "logs")
        shutil.copytree(source, target, ignore=left_out)
    else:
        shutil.copy(source, target)


def test_the_image_holds_all_that_a_run_needs(platform: Platform, tmp_path: Path) -> None:
    app = tmp_path / "app"
    app.mkdir()
    variables = lay_out(app)
    assert sorted(entry.name for entry in app.iterdir()) == [
        ".venv",
        "dbt",
        "flows",
        "pyproject.toml",
        "uv.lock",
    ]
    assert (app / "dbt" / "dbt_project.yml").exists()
    # The servers of the tests know the tables of the tiny project only.
    shutil.rmtree(app / "dbt")
    shutil.copytree(tiny.DIRECTORY, app / "dbt")
    command = ["sh", "-c", f"cd {shlex.quote(str(app))} && python -m flows.pipeline --target tiny"]
    done = run(command, platform.environment(**variables, PYTHONPATH=""))
    assert done.code == 0, done.err
    assert "dbt-test  success" in done.out
