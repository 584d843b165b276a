"""The project's own program on its local platform, with its blocks and without: what a no-op `up` costs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from local.paths import PROJECT
from tests import checkout
from tests.providers.engine import OWN_PYTHON

PROGRAM = PROJECT / "__main__.py"
BLOCKS, AFTER = "blocks = Blocks(", "deployments = Deployments("


def programs() -> dict[str, str]:
    """The program as far as the warehouse and the identity, and as far as the blocks."""
    text = PROGRAM.read_text()
    return {
        "program without blocks": text.partition(BLOCKS)[0],
        "program with its blocks": text.partition(AFTER)[0],
    }


Timed = Callable[[str, Callable[[], object]], None]


def no_op_ups(directory: Path, rounds: int, timed: Timed) -> None:
    """Time a no-op `up` of both, in turn, in a copy of the project that is removed with `directory`."""
    copy = checkout.make(directory)

    # Python is started as everybody's is, where the tests fork it.
    for name in ("python", "python3"):
        python = copy.root / ".venv" / "bin" / name
        python.unlink()
        python.symlink_to(Path(sys.prefix, "bin", name))

    def run(*arguments: str) -> None:
        done = copy.run("pulumi", *arguments, "--stack", "local", *checkout.QUIET, env=OWN_PYTHON)
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)

    up = ("up", "--yes", "--skip-preview")
    try:
        started = copy.local("up")
        if started.returncode:
            raise RuntimeError(started.stderr)
        for _ in range(rounds):
            for name, text in programs().items():
                (copy.root / "__main__.py").write_text(text)
                run(*up)
                timed(f"{name}: no-op up", lambda: run(*up))
    finally:
        copy.local("down")
