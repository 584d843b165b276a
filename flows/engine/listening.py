"""Hear dbt's events: record them, show them, and log their lines."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from flows.engine.events import Finished
from flows.engine.internals import reading

if TYPE_CHECKING:
    from collections.abc import Callable

    from flows.engine.again.batches import Batches
    from flows.engine.events import Event, Watch

    Log = Callable[[int, str], None]

_LEVELS = {"info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}
_Told = TypeVar("_Told")


class Listener:
    """Is called with each of dbt's events.

    ``record`` is told what becomes of each node, ``unmatched`` each criterion that matches nothing. Of a
    microbatch model, ``batches`` say what has become of it.
    """

    def __init__(
        self,
        reader: reading.Reader,
        log: Log,
        redact: Callable[[str], str],
        watch: Watch | None,
        *,
        batches: Batches | None = None,
        record: Callable[[Event], None] | None = None,
        unmatched: Callable[[str], None] | None = None,
    ) -> None:
        self._reader = reader
        self._log = log
        self._redact = redact
        self._watch = watch
        self._batches = batches
        self._record = harmless(record, log) if record else None
        self._unmatched = unmatched

    def __call__(self, event: Any) -> None:
        """Hear of one event, from whichever thread of dbt."""
        if reading.is_ending(event):
            return
        if self._unmatched and (criterion := reading.unmatched(event)):
            self._unmatched(criterion)
        node = self._reader.node_of(event)
        if node and (change := self._reader.change(event, node)):
            if self._batches and isinstance(change, Finished):
                change = replace(change, result=self._batches.whole(change.result))
            if self._record:
                self._record(change)
            if self._watch:
                self._watch.node(change)
        level = _LEVELS.get(event.info.level)
        if level is None or not (message := event.info.msg.strip()):
            return
        if self._watch and node:
            self._watch.line(node, level, self._redact(message))
        else:
            self._log(level, self._redact(message))


def harmless(callback: Callable[[_Told], None], log: Log) -> Callable[[_Told], None]:
    """Leave a callback out once it has failed, and log that.

    Its exception would end one of dbt's threads without a word, and dbt would wait for it for ever.
    """
    failed = False

    def on_event(event: _Told) -> None:
        nonlocal failed
        try:
            if not failed:
                callback(event)
        except Exception as error:  # whatever it is, the tables matter more
            failed = True
            log(logging.WARNING, f"what dbt does is no longer recorded in this run: {error!r}")

    return on_event
