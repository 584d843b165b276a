"""`python -m tests [pytest's options]`: every test, in two processes at once, with a line of progress.

Ctrl-C ends both as it would end one: each stops what it has started, and what has failed so far is shown.
Pulumi's provider SDK and Google's client each bring a google.rpc.Status, and one process can't hold both.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests import warm_python

ROOT = Path(__file__).parents[1]
# The flow's tests wait most, while the other group computes. Short ones end it: no process shall end alone.
WITH_GOOGLE_CLIENT = ("tests/flows", "demo/tests", "tests/end_to_end", "tests/local/google")
PROGRESS_SECONDS = 15.0
# What each process of tests compiles is kept for the others.
NO_BYTECODE = "PYTHONDONTWRITEBYTECODE"
# How many tests of a group run at once: real engines and servers wait half of the time.
WORKERS = {"Google's client": 4, "Pulumi's SDK": 2}
_OUTCOME = re.compile(r"^\[gw\d+\] \[ *\d+%\] ([A-Z]+) ")
_STARTED = re.compile(r"^(tests|demo)/\S+\.py::.* $")
_COUNT = re.compile(r"^(?:\d+ workers? )?\[(\d+) items\]")


@dataclass
class Group:
    """One pytest process, what it has printed, and how far it is."""

    name: str
    arguments: list[str]
    output: list[str] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    total: int | None = None
    code: int | None = None
    process: subprocess.Popen[str] | None = None

    def run(self) -> None:
        """Run it to its end. Its failures are printed as they happen."""
        # A process group of its own: the terminal sends Ctrl-C to this process alone, which hands it on once.
        with subprocess.Popen(
            [sys.executable, "-m", "pytest", "-v", *self.arguments],
            cwd=ROOT,
            env={name: value for name, value in os.environ.items() if name != NO_BYTECODE},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
        ) as self.process:
            assert self.process.stdout
            for line in self.process.stdout:
                self._note(line.rstrip("\n"))
        self.code = self.process.returncode

    def interrupt(self) -> None:
        """Interrupt pytest and its workers: each ends what it has started."""
        if self.process is not None and self.code is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGINT)

    def _note(self, line: str) -> None:
        outcome = _OUTCOME.match(line)
        if outcome:
            self.outcomes[outcome[1]] += 1
            if outcome[1] in ("FAILED", "ERROR"):
                print(line.partition("] ")[2].partition("] ")[2], flush=True)
            return
        count = _COUNT.match(line)
        if count:
            self.total = int(count[1])
        if not _STARTED.match(line):
            self.output.append(line)

    def progress(self) -> str:
        """How far it is, in one piece of a line."""
        if self.code is not None:
            return f"{self.name}: ended"
        if self.total is None:
            return f"{self.name}: being collected"
        return f"{self.name}: {self.outcomes.total()} of {self.total}"


def groups(options: Sequence[str]) -> list[Group]:
    """The two, with pytest's own arguments."""
    # One file, one process: its servers are started once.
    common = ["--dist", "loadfile", "--no-loadscope-reorder"]

    def size(name: str) -> list[str]:
        return ["-n", str(WORKERS[name])]

    mine, other = WORKERS
    return [
        Group(
            mine, [*common, *size(mine), *options, *(p for p in WITH_GOOGLE_CLIENT if (ROOT / p).exists())]
        ),
        Group(
            other, [*common, *size(other), *options, "tests", *(f"--ignore={p}" for p in WITH_GOOGLE_CLIENT)]
        ),
    ]


def what_runs(options: Sequence[str], both: Sequence[Group]) -> str:
    """Which tests, how, and how long they usually take."""
    chosen = f"the tests that `{shlex.join(options)}` leaves" if options else "every test"
    long = "" if options else "; some 15 to 20 minutes on two cores"
    names = " and ".join(f"{one.name} ({WORKERS.get(one.name, 1)} at once)" for one in both)
    return f"{chosen}, in two groups beside each other, {names}{long}"


def main(options: Sequence[str]) -> int:
    """Run both; 0 where every test has passed, 130 where they were interrupted."""
    both = groups(options)
    print(what_runs(options, both), flush=True)
    interrupted = threading.Event()

    def interrupt(*_: object) -> None:
        print("interrupted: waiting for the tests to end what they have started", flush=True)
        interrupted.set()
        for group in both:
            group.interrupt()

    # Also where a shell in the background, or one that was told to, lets its children ignore Ctrl-C.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    started = time.monotonic()
    threads = [threading.Thread(target=group.run, daemon=True) for group in both]
    for thread in threads:
        thread.start()
    told = started
    while any(thread.is_alive() for thread in threads):
        for thread in threads:
            thread.join(0.2)
        if time.monotonic() - told > PROGRESS_SECONDS:
            told = time.monotonic()
            print(f"{told - started:5.0f} s   {'   '.join(one.progress() for one in both)}", flush=True)
    for group in both:
        print(f"\n{'─' * 20} {group.name}", *group.output, sep="\n", flush=True)
    if interrupted.is_set():
        return 130
    # pytest's 5 is that no test was chosen, as by `-k`: fine in one of the two.
    codes = [group.code for group in both]
    return 0 if set(codes) <= {0, 5} and codes != [5, 5] else 1


if __name__ == "__main__":
    with warm_python.shared() as environment:
        os.environ |= environment
        sys.exit(main(sys.argv[1:]))
