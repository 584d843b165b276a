"""One job at a time writes a table; another one waits, as BigQuery lets it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from local.google.iam.authorize import TableRef


class Writers:
    """Which tables are being written."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def write(self, tables: Iterable[TableRef]) -> AsyncIterator[None]:
        """Keep other writers of these tables waiting."""
        async with AsyncExitStack() as held:
            # In one order, so that no two wait for each other.
            for name in sorted({str(table) for table in tables}):
                lock = self._locks.setdefault(name, asyncio.Lock())
                await held.enter_async_context(lock)
            yield
