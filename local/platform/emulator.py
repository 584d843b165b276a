"""The BigQuery emulator: how it is started, and the DuckDB extension that it will not start without."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from local.errors import LocalError

if TYPE_CHECKING:
    from pathlib import Path

    from local.paths import Paths

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
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    shutil.copyfile(source, partial)
    partial.replace(target)


def command(python: Path, data_dir: Path, project: str, rest_port: int, grpc_port: int) -> list[str]:
    """The command that serves `data_dir` on 127.0.0.1."""
    return [
        str(python.parent / "bqemulator"),
        "start",
        "--persistent",
        f"--data-dir={data_dir}",
        f"--project={project}",
        "--rest-host=127.0.0.1",
        f"--rest-port={rest_port}",
        "--grpc-host=127.0.0.1",
        f"--grpc-port={grpc_port}",
        "--log-level=warning",
        "--log-format=console",
    ]


def environment(paths: Paths) -> dict[str, str]:
    """HOME is the platform's own, so that DuckDB neither reads nor writes the user's."""
    home = paths.bigquery / "home"
    home.mkdir(parents=True, exist_ok=True)
    return {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(home),
        # It would be fetched from DuckDB's own site; nothing here loads Avro.
        "BQEMU_ENABLE_FORMAT_EXTENSIONS": "false",
        "BQEMU_UPLOAD_STAGING_DIR": str(paths.bigquery / "uploads"),
    }
