"""The BigQuery emulator: how it is started, and the DuckDB extension that it will not start without."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from local.errors import LocalError
from local.paths import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

# The emulator's own Python prints the extension's file, DuckDB's version and its name for the platform.
_LOCATE = """
import duckdb, duckdb_extension_spatial as package, pathlib
version, platform = f"v{duckdb.__version__}", duckdb.sql("PRAGMA platform").fetchone()[0]
print(pathlib.Path(package.__file__).parent / "extensions" / version / "spatial.duckdb_extension")
print(version)
print(platform)
"""


def install_extension(python: Path, home: Path) -> None:
    """Copy DuckDB's spatial extension from its package to where DuckDB looks for it below `home`.

    Raises:
        LocalError: the emulator's environment is missing or incomplete.
    """
    if not python.exists():
        raise LocalError(f"the BigQuery emulator is not installed ({python} is missing): run `make setup`")
    found = subprocess.run([python, "-c", _LOCATE], capture_output=True, text=True, check=False, timeout=120)
    if found.returncode != 0:
        raise LocalError(f"the BigQuery emulator's environment is broken: run `make setup`\n{found.stderr}")
    source, version, platform = found.stdout.split("\n")[:3]
    target = home / ".duckdb" / "extensions" / version / platform / "spatial.duckdb_extension"
    if target.exists() and target.stat().st_size == os.stat(source).st_size:
        return
    home.mkdir(parents=True, exist_ok=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    shutil.copyfile(source, partial)
    partial.replace(target)


def command(python: Path, directory: Path, project: str, socket: Path | str) -> list[str]:
    """The command that serves what is kept below `directory` on a Unix socket.

    The path of a socket has at most 103 bytes: give it from the directory that the command is run in.
    """
    return [
        str(python),
        "-m",
        "local.emulator.serve",
        f"--socket={socket}",
        f"--data={directory / 'data'}",
        f"--uploads={directory / 'uploads'}",
        f"--project={project}",
    ]


def environment(home: Path) -> dict[str, str]:
    """Its own bounds, `LOCAL_BIGQUERY_…`, are this process's, and little else.

    HOME is the platform's own, so that DuckDB neither reads nor writes the user's. The allocators of
    DuckDB and Arrow keep no addresses in hand, since these count as taken memory.
    """
    bounds = {name: value for name, value in os.environ.items() if name.startswith("LOCAL_BIGQUERY_")}
    return bounds | {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(home),
        "PYTHONPATH": str(PROJECT),
        "DUCKDB_JE_MALLOC_CONF": "retain:false",
        "ARROW_DEFAULT_MEMORY_POOL": "system",
    }
