"""Show what dbt does in several places at once. A place that fails never disturbs dbt or the others."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flows.engine.events import Event, Node, Watch
    from flows.engine.lineage import Lineage

    Log = Callable[[int, str], None]

Shown = TypeVar("Shown")


def shown(what: str, show: Callable[[], Shown], log: Log) -> Shown | None:
    """Return what ``show`` returns. Where it fails, log that ``what`` is missing, and return None.

    For all that is only looked at: a run whose tables are built does not fail by it.
    """
    try:
        return show()
    except Exception as error:  # whatever it is, the tables matter more
        log(logging.WARNING, f"{what} is left out of this run: {error!r}")
        return None


class Visible:
    """Passes on to each watch what dbt does, until that watch fails: then it is left out and that is logged.

    An exception in a callback would end one of dbt's threads without a word, and dbt would wait for ever.
    """

    def __init__(self, watches: Sequence[Watch], log: Log) -> None:
        self._watches = list(watches)
        self._log = log

    def begin(self, command: str, lineage: Lineage) -> None:
        """See `Watch.begin`."""
        self._each(lambda watch: watch.begin(command, lineage))

    def node(self, event: Event) -> None:
        """See `Watch.node`."""
        self._each(lambda watch: watch.node(event))

    def line(self, node: Node, level: int, message: str) -> None:
        """See `Watch.line`."""
        self._each(lambda watch: watch.line(node, level, message))

    def end(self, error: BaseException | None) -> None:
        """See `Watch.end`."""
        self._each(lambda watch: watch.end(error))

    def _each(self, tell: Callable[[Watch], None]) -> None:
        for watch in tuple(self._watches):
            try:
                tell(watch)
            except Exception as error:  # whatever it is, the tables matter more
                if watch in self._watches:
                    self._watches.remove(watch)
                name = type(watch).__name__
                self._log(logging.WARNING, f"{name} is switched off for this run: {error!r}")
