"""What tests know of Pulumi's own files, so that they start its CLI only for what it is tested for.

Each command of the CLI takes 0.3 s of processor time, whatever it does.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

SECONDS = 120
# For the language host: see there.
QUICK_PIP = Path(__file__).parent / "quick_pip"
# Go's processes collect garbage four times less often: a tenth of what a command takes.
QUICK_GO = {"GOGC": "400"}


def new(program: Path, state: Path, stack: str, passphrase: str, cli: Path, number: int = 0) -> None:
    """Do what `pulumi stack init` does for the project in `program`, with a file backend in `state`.

    Stacks of one `number` have one encryption salt, so this project takes them for the same stack.
    """
    settings, files = _made((program / "Pulumi.yaml").read_text(), stack, passphrase, cli, number)
    (program / f"Pulumi.{stack}.yaml").write_text(settings)
    for path, content in files.items():
        (state / path).parent.mkdir(parents=True, exist_ok=True)
        (state / path).write_bytes(content)


def configure(file: Path, settings: dict[str, str]) -> None:
    """Do what `pulumi config set` does for each of the settings, which have their namespace before them."""
    content = yaml.safe_load(file.read_text()) or {}
    content.setdefault("config", {}).update(settings)
    file.write_text(yaml.safe_dump(content, sort_keys=False))


def last_update(state: Path, project: str, stack: str) -> dict[str, Any]:
    """The newest entry of `pulumi stack history --json`."""
    directory = state / ".pulumi" / "history" / project / stack
    newest = max(directory.glob("*.history.json"), key=lambda path: path.name)
    found: dict[str, Any] = json.loads(newest.read_text())
    return found


def operations(log: Path) -> Iterator[tuple[str, str]]:
    """Each resource's URN and what was done to it, in order, of what `--event-log` has written.

    One command tells so of many resources what `--expect-no-changes` and the summary tell of all together.
    """
    for line in log.read_text().splitlines():
        event = json.loads(line).get("resOutputsEvent")
        if event:
            yield event["metadata"]["urn"], event["metadata"]["op"]


@functools.cache
def _made(project: str, stack: str, passphrase: str, cli: Path, number: int) -> tuple[str, dict[str, bytes]]:
    """The stack's settings and all of its state; each number made once for each process of tests."""
    del number  # `functools.cache` tells them apart
    with tempfile.TemporaryDirectory() as directory:
        program, state = Path(directory, "program"), Path(directory, "state")
        program.mkdir()
        state.mkdir()
        (program / "Pulumi.yaml").write_text(project)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PULUMI_")}
        ours = {
            "PULUMI_HOME": str(Path(directory, "home")),
            "PULUMI_BACKEND_URL": state.as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": passphrase,
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }
        done = subprocess.run(
            [cli / "pulumi", "stack", "init", stack, "--non-interactive"],
            cwd=program,
            env=inherited | ours,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        files = {
            str(path.relative_to(state)): path.read_bytes() for path in state.rglob("*") if path.is_file()
        }
        return (program / f"Pulumi.{stack}.yaml").read_text(), files
