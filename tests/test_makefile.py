"""`make` in a directory whose path has what people's paths have."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from local.paths import PROJECT

# Says how it was called; it is what `make setup` finds installed.
UV = """#!/bin/sh
echo "$@" >> "$(dirname "$0")/calls"
"""


@pytest.mark.parametrize("name", ["a copy", "l'été", "(deux) & plus"])
def test_setup_runs_the_checkouts_own_uv(tmp_path: Path, name: str) -> None:
    root = tmp_path / name
    own = root / ".local" / "uv" / "bin"
    own.mkdir(parents=True)
    shutil.copy(PROJECT / "Makefile", root)
    (own / "uv").write_text(UV)
    (own / "uv").chmod(0o755)
    made = subprocess.run(
        ["make", "setup"],
        cwd=root,
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    calls = (own / "calls").read_text().splitlines()
    assert [call.split()[0] for call in calls] == ["--version", "sync", "sync"]
