"""The flow runs that the command line has begun, a locked file each, so that a dead one's is found.

A run holds its target only after it has signed in and nobody else holds it. One that is killed before that
would stay Running in Prefect for ever.
"""

from __future__ import annotations

import fcntl
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING
from uuid import UUID

from flows.run import ended

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DIRECTORY = "begun"


@contextmanager
def noted(directory: Path) -> Iterator[Callable[[UUID], None]]:
    """Yield what notes a flow run of this process in its target's directory, until the block ends."""
    with ExitStack() as stack:

        def note(flow_run: UUID) -> None:
            path = directory / DIRECTORY / str(flow_run)
            path.parent.mkdir(parents=True, exist_ok=True)
            # It gets its name when it is locked.
            new = path.with_suffix(".new")
            file = stack.enter_context(new.open("w"))
            fcntl.flock(file, fcntl.LOCK_EX)
            new.rename(path)
            stack.callback(path.unlink, missing_ok=True)

        yield note


def mark_dead(directory: Path) -> None:
    """Set the noted flow runs whose process has died to Crashed, if Prefect takes them for running.

    A Prefect that is away is no matter: the note stays for the next run.
    """
    for path in (directory / DIRECTORY).glob("*[!w]"):
        # The lock of a process that lives can't be had.
        with suppress(OSError), path.open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if ended.mark_crashed(path.name, "its process has died"):
                path.unlink(missing_ok=True)
