"""One background process, known by its pid and start time so that a reused pid is never mistaken for it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from local.errors import LocalError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

STOP_SECONDS = 15.0
POLL_SECONDS = 0.1
# Children of this very process have to be waited for by it; others are the kernel's to clear away.
_CHILDREN: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True)
class Process:
    """A service's process, its log and the file that remembers its pid across commands."""

    name: str
    run_dir: Path
    log_dir: Path

    @property
    def record(self) -> Path:
        """The file that remembers its pid."""
        return self.run_dir / f"{self.name}.json"

    @property
    def log(self) -> Path:
        """The file that it prints to."""
        return self.log_dir / f"{self.name}.log"

    def running(self) -> psutil.Process | None:
        """The process, if it still runs."""
        try:
            found = json.loads(self.record.read_text(encoding="utf-8"))
            process = psutil.Process(int(found["pid"]))
            same = abs(process.create_time() - float(found["started"])) < 1
        except (OSError, ValueError, KeyError, TypeError, psutil.Error):
            return None
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None

    def age(self) -> float:
        """Seconds since it was started; 0 if it does not run."""
        process = self.running()
        return time.time() - process.create_time() if process else 0.0

    def note(self, key: str) -> str | None:
        """A detail that was recorded at the start, such as the port."""
        try:
            value = json.loads(self.record.read_text(encoding="utf-8"))["notes"][key]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return str(value)

    def start(self, argv: Sequence[str], env: Mapping[str, str], cwd: Path, notes: Mapping[str, str]) -> None:
        """Start it in a session of its own, so that Ctrl-C in the terminal does not reach it."""
        self.run_dir.mkdir(parents=True, exist_ok=True)
        self.log_dir.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            child = subprocess.Popen(
                list(argv),
                cwd=cwd,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            started = psutil.Process(child.pid).create_time()
            content = json.dumps({"pid": child.pid, "started": started, "notes": dict(notes)})
            partial = self.record.with_suffix(".partial")
            partial.write_text(content, encoding="utf-8")
            partial.replace(self.record)
        except BaseException:
            # Ctrl-C just here must not leave a process that nobody knows of.
            child.kill()
            child.wait()
            raise
        _CHILDREN[child.pid] = child

    def wait_ready(self, ready: Callable[[], bool], seconds: float) -> None:
        """Wait until `ready()`; raise LocalError with the log's end if it dies or takes too long."""
        deadline = time.monotonic() + seconds
        while not ready():
            if self.running() is None:
                raise LocalError(self._failure("stopped while starting"))
            if time.monotonic() > deadline:
                raise LocalError(self._failure(f"did not answer within {seconds:.0f} s"))
            time.sleep(POLL_SECONDS)

    def stop(self) -> bool:
        """End the process and its children; True if there was one."""
        process = self.running()
        if process is not None:
            family = [process]
            with contextlib.suppress(psutil.Error):
                family += process.children(recursive=True)
            with contextlib.suppress(psutil.Error):
                process.terminate()
            _, alive = psutil.wait_procs([process], timeout=STOP_SECONDS)
            for left in [*alive, *(member for member in family if member.is_running())]:
                with contextlib.suppress(psutil.Error):
                    left.kill()
            psutil.wait_procs(family, timeout=STOP_SECONDS)
        self._forget()
        self.record.unlink(missing_ok=True)
        return process is not None

    def _forget(self) -> None:
        for pid in [pid for pid, child in _CHILDREN.items() if child.poll() is not None]:
            del _CHILDREN[pid]

    def log_tail(self, lines: int) -> str:
        """The last lines of its log."""
        try:
            return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
        except OSError:
            return ""

    def _failure(self, what: str) -> str:
        tail = self.log_tail(8)
        shown = "\n".join(f"    {line[:300]}" for line in tail.splitlines())
        return (
            f"{self.name} {what}. The end of {self.log}:\n{shown}\n"
            "If what is kept under .local/ is damaged, `python -m local reset` starts afresh."
        )
