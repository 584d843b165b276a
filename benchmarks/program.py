"""The project's own program on its local platform, with its blocks and without: what a no-op `up` costs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests import checkout

WITHOUT_BLOCKS = """
from infra import settings
from infra.identity import Identity
from infra.warehouse import Warehouse

config = settings.load()
warehouse = Warehouse("warehouse", config)
identity = Identity("identity", config, warehouse)
"""
WITH_BLOCKS = f"""
from infra.blocks import Blocks
{WITHOUT_BLOCKS}
Blocks("blocks", config, warehouse, identity)
"""
PROGRAMS = {"program without blocks": WITHOUT_BLOCKS, "program with its blocks": WITH_BLOCKS}
Timed = Callable[[str, Callable[[], object]], None]


def no_op_ups(directory: Path, rounds: int, timed: Timed) -> None:
    """Time a no-op `up` of both, in turn, in a copy of the project that is removed with `directory`."""
    copy = checkout.make(directory)

    def run(*arguments: str) -> None:
        done = copy.pulumi(*arguments)
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)

    up = ("up", "--yes", "--skip-preview")
    try:
        started = copy.local("up")
        if started.returncode:
            raise RuntimeError(started.stderr)
        for _ in range(rounds):
            for name, text in PROGRAMS.items():
                (copy.root / "__main__.py").write_text(text)
                run(*up)
                timed(f"{name}: no-op up", lambda: run(*up))
    finally:
        copy.local("down")
