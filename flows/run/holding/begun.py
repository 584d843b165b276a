"""The flow runs that the command line has begun, a locked file each, so that a dead one's is found.

A run holds its target only after it has signed in and nobody else holds it. One that is killed before that
would stay Running in Prefect for ever.
"""

from __future__ import annotations

import fcntl
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from flows.run import ended

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from uuid import UUID

DIRECTORY = "begun"


@contextmanager
def noted(directory: Path, flow_run: UUID) -> Iterator[None]:
    """Note a flow run of this process in its target's directory while the block runs."""
    path = directory / DIRECTORY / str(flow_run)
    path.parent.mkdir(parents=True, exist_ok=True)
    # It gets its name when it is locked.
    new = path.with_suffix(".new")
    with new.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        new.rename(path)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def mark_dead(directory: Path) -> None:
    """Set the noted flow runs whose process has died to Crashed, if Prefect takes them for running.

    A Prefect that is away is no matter: the note stays for the next run.
    """
    for path in (directory / DIRECTORY).glob("*"):
        if path.suffix:
            continue
        # The lock of a process that lives can't be had.
        with suppress(OSError), path.open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if ended.mark_crashed(path.name, "its process has died"):
                path.unlink(missing_ok=True)
