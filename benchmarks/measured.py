"""What a command takes, with all the processes that it starts."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

_EVERY_SECONDS = 0.1
_MEBIBYTE = 1 << 20
_MAXRSS_BYTES = 1 if sys.platform == "darwin" else 1024  # getrusage(2) of either


@dataclass(frozen=True)
class Usage:
    """Seconds on the clock, seconds of processor time, and the most memory at one time in MiB.

    Processor time is that of the command and of all descendants that were waited for. Memory is the resident
    memory of all processes of the tree together, looked at ten times a second, or the peak that the system
    keeps for the largest of them, whichever is more.
    """

    seconds: float
    cpu_seconds: float
    mebibytes: float


class CommandFailedError(Exception):
    """A command ended with another exit code than 0, or not in time."""


def run(command: list[str], env: Mapping[str, str], cwd: Path, log: Path, limit: float) -> Usage:
    """Run a command to its end; its output goes to ``log``.

    Raises CommandFailedError, with the last lines of the output, if it fails or takes more than ``limit``
    seconds; then all its processes are ended.
    """
    start = time.perf_counter()
    with log.open("wb") as output:
        # In a process group of its own, which can be ended as one.
        process = subprocess.Popen(
            command, env=env, cwd=cwd, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    late = threading.Timer(limit, os.killpg, (process.pid, signal.SIGKILL))
    late.start()
    peak, ended = [0.0], threading.Event()
    watcher = threading.Thread(target=_watch, args=(process.pid, peak, ended))
    watcher.start()
    try:
        _, status, spent = os.wait4(process.pid, 0)
    finally:
        late.cancel()
        ended.set()
        watcher.join()
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        end = log.read_text(errors="replace")[-3000:]
        raise CommandFailedError(f"exit code {process.returncode} after {seconds:.0f} s: {command}\n{end}")
    return Usage(seconds, spent.ru_utime + spent.ru_stime, max(peak[0], _largest(spent)))


def _largest(spent: resource.struct_rusage) -> float:
    """Return the peak of the largest process, or 0 if it could be our own.

    A new process is a copy of this one until it runs its command, and Linux counts that as well.
    """
    if spent.ru_maxrss <= resource.getrusage(resource.RUSAGE_SELF).ru_maxrss:
        return 0
    return spent.ru_maxrss * _MAXRSS_BYTES / _MEBIBYTE


def _watch(pid: int, peak: list[float], ended: threading.Event) -> None:
    root = psutil.Process(pid)
    while not ended.wait(_EVERY_SECONDS):
        try:
            tree = [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return
        peak[0] = max(peak[0], sum(map(_resident, tree)) / _MEBIBYTE)


def _resident(process: psutil.Process) -> int:
    try:
        return process.memory_info().rss
    except psutil.NoSuchProcess:
        return 0
