"""An environment of another Python minor version with what the provider's process needs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from tests.uv import UV

MINORS = (14, 13, 12, 11)
PACKAGES = ("pulumi", "httpx", "jsonschema")
INSTALL_SECONDS = 300


class NotHereError(Exception):
    """There is no other Python here, or its packages can't be had."""


def make(directory: Path) -> Path:
    """Make the environment; its `bin`. Raises NotHereError."""
    interpreter = next(_found(), None)
    if interpreter is None:
        raise NotHereError(f"no Python of another minor version, of {MINORS}, on PATH or beside this one")
    pinned = [f"{name}=={version(name)}" for name in PACKAGES]
    python = directory / "bin" / "python"
    make_it = [UV, "venv", "--quiet", "--python", str(interpreter), str(directory)]
    install = [UV, "pip", "install", "--quiet", "--no-build", "--python", str(python), *pinned]
    for command in (make_it, install):
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
        if done.returncode:
            raise NotHereError(f"{interpreter}: {done.stderr.strip()[-300:]}")
    return directory / "bin"


def _found() -> Iterator[Path]:
    for minor in MINORS:
        name = f"python3.{minor}"
        on_path = [Path(found) for found in [shutil.which(name)] if found]
        # Where pyenv or uv keep this Python, they keep the others.
        beside = sorted(Path(sys.base_prefix).parent.glob(f"*/bin/{name}"))
        if minor != sys.version_info.minor:
            yield from (python for python in on_path + beside if _works(python, minor))


def _works(python: Path, minor: int) -> bool:
    command = [str(python), "-c", "import sys; print(sys.version_info[1])"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() == str(minor)
