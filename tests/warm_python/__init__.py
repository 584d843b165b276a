"""Pythons that have imported already what a test's processes import, and fork for each.

Each preview and each `up` starts Python twice, for the program and for the dynamic provider, and half of what
such a command takes is there to import the SDK, the same each time; a Prefect server takes most of its start
for that, a command of `flows` half. Here one process of a kind imports it once, and forks for each start: all
that is done after it is theirs. The project's own code is imported anew each time. Tests that kill processes,
and the tutorial's, start Python as everybody does.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import functools
import os
import shlex
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

_HERE = Path(__file__).parent
# What each imports: nothing that starts a thread, or is the project's own.
MODULES = {
    "pulumi": (
        "argparse",
        "asyncio",
        "httpx",
        "pulumi",
        "pulumi.dynamic",
        "pulumi.provider.experimental.server",
        "pulumi.runtime",
        "pulumi_gcp.bigquery",
        "pulumi_gcp.projects",
        "pulumi_gcp.serviceaccount",
        "pydantic",
        "yaml",
        "zoneinfo",
    ),
    "flows": ("flow_libraries",),
    # The server, and the libraries that other programs load blocks with.
    "prefect": ("prefect.server.api.server", "prefect.cli.server", "prefect_gcp", "prefect_dbt.cli.configs"),
}
# In the environment: the directory that several processes of tests share.
SHARED = "TESTS_WARM_PYTHON"
END_SECONDS = 60


def pulumi() -> Path:
    """What Pulumi starts as Python so, by `PULUMI_PYTHON_CMD`.

    It ends with this process, or with the one that shares it.
    """
    return _python("pulumi")


def prefect() -> Path:
    """The same, for Prefect's server and libraries."""
    return _python("prefect")


def flows() -> Path:
    """The same, for commands of `flows` and of dbt: see `tests.forks`."""
    return _python("flows")


def _python(name: str) -> Path:
    return _started(Path(os.environ.get(SHARED) or _own()) / name)


@contextmanager
def shared() -> Iterator[dict[str, str]]:
    """What processes of tests have in their environment, so that each such Python is there once for all."""
    with tempfile.TemporaryDirectory(prefix="warm-python-", ignore_cleanup_errors=True) as directory:
        alive = Path(directory, "alive")
        os.mkfifo(alive)
        # Who reads there reads its end once this process has closed it, or is gone.
        held = os.open(alive, os.O_RDWR)
        try:
            yield {SHARED: directory}
        finally:
            os.close(held)
            for number in Path(directory).glob("*/process"):
                _wait(int(number.read_text()))


def _wait(number: int) -> None:
    """Wait for the end of a process that may be another's child, and so stay a zombie."""
    until = time.monotonic() + END_SECONDS
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(number)
        while process.status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < until, process
            time.sleep(0.02)


@functools.cache
def _own() -> str:
    """A directory that is shared with nobody."""
    until_the_end = contextlib.ExitStack()
    atexit.register(until_the_end.close)
    return until_the_end.enter_context(shared())[SHARED]


@functools.cache
def _started(home: Path) -> Path:
    python = home / "python"
    with (home.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not python.exists():
            _start(home)
    return python


def _start(home: Path) -> None:
    home.mkdir()
    left_out = ("PREFECT", "DBT", "PYTHONPATH")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    argv = [sys.executable, str(_HERE / "serving.py"), str(home / "socket"), *MODULES[home.name]]
    said, says = os.pipe()
    with (
        open(said, "rb") as ready,
        open(says, "wb") as written,
        (home / "log").open("wb") as log,
        (home.parent / "alive").open("rb") as alive,
    ):
        streams = [(os.POSIX_SPAWN_DUP2, file.fileno(), n) for n, file in enumerate((alive, written, log))]
        # No Popen: it may outlive this process, which is no mistake.
        number = os.posix_spawn(
            sys.executable, argv, kept | {"PREFECT_HOME": str(home)}, file_actions=streams
        )
        written.close()
        assert ready.readline() == b"ready\n", (home / "log").read_text()
    (home / "process").write_text(str(number))
    asking = shlex.join([sys.executable, "-I", "-S", str(_HERE / "asking.py"), str(home / "socket")])
    made = home / "made"
    made.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && exec {shlex.quote(sys.executable)} "$@"\nexec {asking} "$@"\n'
    )
    made.chmod(0o755)
    made.rename(home / "python")
