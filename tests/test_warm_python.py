"""A process that `warm_python` forks is what Python would have been."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from local.paths import PROJECT
from tests import warm_python

TELLS = """
import json, os, signal, sys
print(json.dumps({
    "directory": os.getcwd(), "arguments": sys.argv, "path": sys.path, "stdin": sys.stdin.read(),
    "name": __name__, "file": __file__, "unbuffered": sys.stdout.write_through,
    # A shell sets these in all that it starts.
    "environment": {name: os.environ[name] for name in os.environ if name not in ("PWD", "OLDPWD", "_")},
    "signals": [str(signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)],
    "open": [number for number in range(64) if os.path.exists(f"/dev/fd/{number}")],
}))
print("what went wrong", file=sys.stderr)
sys.exit(int(sys.argv[1]))
"""
SAYS = "import os, sys, warnings; warnings.warn('said'); print(os.getppid(), *sys.argv)"
# Prints which process has forked, and stays.
ASKS = f"""
import os, subprocess, sys, time
from tests import warm_python
with warm_python.shared() as environment:
    os.environ |= environment if "share" in sys.argv else {{}}
    done = subprocess.run([warm_python.pulumi(), "-c", {SAYS!r}], stdout=subprocess.PIPE, check=True)
    print(done.stdout.split()[0].decode(), flush=True)
    time.sleep(600 if "share" in sys.argv else 0)
"""
WAITS = """
import os, pathlib, sys, time
pathlib.Path("number").write_text(str(os.getpid()))
try:
    pathlib.Path("began").touch()
    time.sleep(600)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.mark.parametrize("code", [0, 3])
@pytest.mark.parametrize("start", ["a script", "-m telling.itself"])
def test_it_is_as_python_has_it(tmp_path: Path, start: str, code: int) -> None:
    package = tmp_path / "elsewhere" / "telling"
    package.mkdir(parents=True)
    (package / "itself.py").write_text(TELLS)
    script = [str(package / "itself.py")] if start == "a script" else shlex.split(start)
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join([str(package.parent), str(tmp_path)]),
    }

    def told(python: str | Path) -> tuple[int, Any, str]:
        done = subprocess.run(
            [python, "-u", *script, str(code), "a b"],
            cwd=tmp_path,
            env=environment,
            input="asked\n",
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return done.returncode, json.loads(done.stdout), done.stderr

    plain = told(sys.executable)
    assert told(warm_python.pulumi()) == plain
    assert (plain[0], plain[2]) == (code, "what went wrong\n")


def test_code_is_run_and_warnings_are_as_it_is_told() -> None:
    def said(*options: str) -> tuple[list[str], bytes]:
        done = subprocess.run(
            [warm_python.pulumi(), *options, "-c", SAYS, "a b"],
            capture_output=True,
            check=True,
        )
        return done.stdout.decode().split(maxsplit=1)[1:], done.stderr

    told, warned = said()
    assert told == ["-c a b\n"]
    assert b"UserWarning: said" in warned
    assert said("-W", "ignore") == (told, b"")


def test_processes_share_one() -> None:
    with warm_python.shared() as environment:
        asked = [
            subprocess.run(
                [sys.executable, "-c", ASKS],
                cwd=PROJECT,
                env=os.environ | environment,
                capture_output=True,
                text=True,
                check=True,
            )
            for _ in range(2)
        ]
        [number] = {int(one.stdout) for one in asked}
        assert psutil.Process(number).status() != psutil.STATUS_ZOMBIE
    assert ended(number)


def test_it_ends_with_who_shares_it() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ASKS, "share"], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        number = int(process.stdout.readline())
        assert not ended(number)
        directory = Path(psutil.Process(number).cmdline()[2]).parents[1]
        process.kill()
    until = time.monotonic() + 120
    while not ended(number):
        assert time.monotonic() < until
        time.sleep(0.02)
    shutil.rmtree(directory)


def ended(number: int) -> bool:
    """Whether there is no such process, or one that nobody has asked for its end."""
    try:
        return psutil.Process(number).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_handed_on(tmp_path: Path, number: signal.Signals) -> None:
    asking = _waiting(tmp_path)
    asking.send_signal(number)
    said, _ = asking.communicate(timeout=120)
    expected = ("interrupted\n", 0) if number is signal.SIGINT else ("", -signal.SIGTERM)
    assert (said, asking.returncode) == expected


def test_what_is_killed_takes_the_process_along(tmp_path: Path) -> None:
    asking = _waiting(tmp_path)
    process = psutil.Process(int((tmp_path / "number").read_text()))
    assert process.pid != asking.pid
    asking.kill()
    asking.communicate(timeout=120)
    assert psutil.wait_procs([process], timeout=120)[1] == []


def _waiting(directory: Path) -> subprocess.Popen[str]:
    (directory / "waits.py").write_text(WAITS)
    command = [str(warm_python.pulumi()), "waits.py"]
    asking = subprocess.Popen(command, cwd=directory, stdout=subprocess.PIPE, text=True)
    while not (directory / "began").exists():
        assert asking.poll() is None
        time.sleep(0.01)
    return asking
