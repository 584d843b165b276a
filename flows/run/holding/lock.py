"""One run of a target at a time, on this machine and on all that share its Prefect.

Two locks, taken in this order. A lock on a file in the target's own directory: the kernel drops it however
its holder ends, and the file tells who that is. Then the only slot of the global concurrency limit
`dbt-<target>` in Prefect, on a lease that its holder renews: of a machine that is lost, the lease runs out.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from flows.errors import BusyError, SlotLostError
from flows.run import ended, stopping
from flows.run.holding import begun, lease, slot
from flows.target import names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import TextIO
    from uuid import UUID

FILE_NAME = "running.json"
_PAUSE = 1.0


@dataclass(frozen=True)
class Holder:
    """Who holds a target, as far as is known."""

    flow_run: str | None = None
    pid: int | None = None
    host: str | None = None
    lease: str | None = None

    def __str__(self) -> str:
        parts = []
        if self.flow_run:
            parts.append(f"the flow run {self.flow_run}")
        if self.pid:
            parts.append(f"the process {self.pid} on {self.host}")
        return ", ".join(parts) or "a run that does not say who it is"


@contextmanager
def hold(
    target: str, directory: Path, flow_run: UUID, wait_seconds: float, say: Callable[[str], None]
) -> Iterator[None]:
    """Hold ``target`` while the block runs. ``directory`` is the target path of its dbt project.

    What a holder that crashed on this machine has left in Prefect is put right: its slot is given back and
    its flow run marked as crashed, unless it is this one, retried. If Prefect keeps no such limit (an old
    server, no permission), the file alone protects, and ``say`` is told. If another run has got the slot
    after Prefect was away for long, this process is stopped, as by a cancellation.

    Raises BusyError, naming the holder, if it still holds the target after ``wait_seconds``.
    """
    deadline = time.monotonic() + wait_seconds
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / FILE_NAME).open("a+", encoding="utf-8") as file:
        waiting = _Waiting(target, deadline, say)
        while not _try_lock(file):
            waiting.for_(_read(file))
        crashed = _read(file)
        if crashed.lease:
            slot.give_back(crashed.lease)
        # A crashed run that is tried again, from Prefect's page, is this one.
        if crashed.flow_run and crashed.flow_run != str(flow_run):
            ended.mark_crashed(crashed.flow_run, f"its process {crashed.pid} on {crashed.host} has died")
        begun.mark_dead(directory)
        ended.tell_of_last(directory, flow_run)
        holder = Holder(str(flow_run), os.getpid(), socket.gethostname())

        def lost(other: str) -> None:
            _stop(target, other, say)

        try:
            # At once, and again with the lease: a kill in between is still known to the next run.
            _write(file, holder)
            with lease.acquire(names.slot(target), flow_run, waiting.for_flow_run, say, lost) as lease_id:
                _write(file, replace(holder, lease=lease_id))
                yield
        finally:
            file.truncate(0)


def _stop(target: str, other: str, say: Callable[[str], None]) -> None:
    why = (
        f"the target {target} is held by {Holder(other)} by now: Prefect was away for longer than this run's "
        f"lease of the slot {names.slot(target)}, so another run was let in"
    )
    say(why)
    if not stopping.stop(
        SlotLostError(f"{why}. This run has stopped; `--wait SECONDS` waits for the other.")
    ):
        say("this run cannot be stopped from here: stop it, or the two write the same tables")


class _Waiting:
    """Waits a second at a time, says once for whom, and gives up at the deadline."""

    def __init__(self, target: str, deadline: float, say: Callable[[str], None]) -> None:
        self._target = target
        self._deadline = deadline
        self._say = say
        self._said: str | None = None

    def for_flow_run(self, flow_run: str) -> None:
        """Wait for a run of which Prefect knows. Raises BusyError at the deadline."""
        self.for_(Holder(flow_run))

    def for_(self, holder: Holder) -> None:
        """Wait for a holder. Raises BusyError at the deadline."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise BusyError(
                f"the target {self._target} is held by {holder}. Wait for it with `--wait SECONDS`, or "
                "cancel it in Prefect."
            )
        if self._said != str(holder):
            self._said = str(holder)
            self._say(f"waiting up to {left:.0f} s for the target {self._target}, held by {holder}")
        time.sleep(min(_PAUSE, left))


def _try_lock(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(file: TextIO) -> Holder:
    file.seek(0)
    try:
        found: dict[str, Any] = json.loads(file.read() or "{}")
        return Holder(**found)
    except (ValueError, TypeError):
        return Holder()  # read while it was being written


def _write(file: TextIO, holder: Holder) -> None:
    file.truncate(0)
    file.write(json.dumps(holder.__dict__))
    file.flush()
