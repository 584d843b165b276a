"""A current event loop, which Pulumi expects; its mocks make more of them, in threads, and close none."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch


@contextmanager
def event_loops() -> Iterator[None]:
    """Set a current loop; in the end close it and all that were made meanwhile."""
    made: list[asyncio.AbstractEventLoop] = []
    new = asyncio.new_event_loop

    def recorded() -> asyncio.AbstractEventLoop:
        loop = new()
        made.append(loop)
        return loop

    with patch("asyncio.new_event_loop", recorded):
        asyncio.set_event_loop(asyncio.new_event_loop())
        yield
    asyncio.set_event_loop(None)
    for loop in made:
        loop.close()
