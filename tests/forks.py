"""Commands of `flows`, and of dbt, without the six seconds of processor time that their imports take.

A command is a fork of a process that has imported Prefect and dbt (`tests.warm_python`); all else is as ever.
How it does by itself is seen where Prefect's workers, `make demo`, the tutorial or a shell start it.
"""

from __future__ import annotations

import marshal
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from tests import warm_python

SECONDS = 900.0
# A word for dbt's own command line.
DBT = "dbt"
_UMASK = os.umask(0o22)
os.umask(_UMASK)


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
        python, *arguments = argv
        if python == DBT:
            arguments = [str(Path(sys.executable).parent / DBT), *arguments]
        asked = marshal.dumps((str(cwd), arguments, dict(env), _UMASK))
        self._answers = socket.socket(socket.AF_UNIX)
        self._answers.connect(str(warm_python.flows().parent / "socket"))
        with Path(os.devnull).open() as nothing:
            files = [nothing.fileno(), stdout.fileno(), stderr.fileno()]
            socket.send_fds(self._answers, [len(asked).to_bytes(8, "big")], files)
        self._answers.sendall(asked)
        self.pid = self._answered()

    def _answered(self) -> int:
        answer = self._answers.recv(8)
        assert answer, "the Python that forks has ended"
        return int.from_bytes(answer, "big", signed=True)

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code; minus the number of the signal that has ended it. Raises TimeoutExpired."""
        if self.returncode is None:
            self._answers.settimeout(timeout)
            try:
                self.returncode = self._answered()
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
