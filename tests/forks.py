"""Commands of `flows`, and of dbt, without the six seconds of processor time that their imports take.

A command is a fork of a process that has imported Prefect and dbt (`tests.forking`); all else is as ever. How
it does by itself is seen where Prefect's workers, `make demo`, the tutorial or a shell start it.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from local.paths import PROJECT
from tests import processes

SECONDS = 900.0
# A word for dbt's own command line.
DBT = "dbt"
_lock = threading.Lock()


def can(argv: Sequence[str]) -> bool:
    """Whether a command is one of those: `python -m flows.…`, code of theirs, or `dbt …`."""
    if argv[0] == DBT:
        return True
    if argv[0] != sys.executable or len(argv) < 3:
        return False
    return argv[2].startswith(("flows.", "tests.flows.")) if argv[1] == "-m" else argv[1] == "-c"


class Forked:
    """A command that runs, as far as tests use `subprocess.Popen`; it heeds Ctrl-C."""

    def __init__(
        self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], stdout: IO[Any], stderr: IO[Any]
    ) -> None:
        assert can(argv), argv
        self.args = list(argv)
        self.returncode: int | None = None
        request = json.dumps({"argv": self.args, "cwd": str(cwd), "env": dict(env)}).encode()
        self._answers, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, Path(os.devnull).open() as nothing:
            files = [theirs.fileno(), nothing.fileno(), stdout.fileno(), stderr.fileno()]
            socket.send_fds(_forking(), [request], files)
        self.pid = int(self._answers.recv(64))

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code; minus the number of the signal that has ended it. Raises TimeoutExpired."""
        if self.returncode is None:
            self._answers.settimeout(timeout)
            try:
                self.returncode = int(self._answers.recv(64))
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired(self.args, timeout or 0) from None
            self._answers.close()
        return self.returncode

    def poll(self) -> int | None:
        """The same, None while it runs."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def run(
    argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout: float = SECONDS
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, as `subprocess.run` does with `capture_output`."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        command = Forked(argv, cwd=cwd, env=env, stdout=out, stderr=err)
        try:
            code = command.wait(timeout)
        except BaseException:
            command.kill()
            command.wait()
            raise
        for file in (out, err):
            file.seek(0)
        return subprocess.CompletedProcess(command.args, code, out.read(), err.read())


def _forking() -> socket.socket:
    with _lock:
        return _started()


@functools.cache
def _started() -> socket.socket:
    """The socket of this process's `tests.forking`, which ends with it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    home = tempfile.TemporaryDirectory()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT", "DBT"))}
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.forking", str(theirs.fileno())],
            cwd=PROJECT,
            env=kept | {"PREFECT_HOME": home.name},
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )

    @atexit.register
    def end() -> None:
        ours.close()
        processes.end(process, 10)
        home.cleanup()

    return ours
