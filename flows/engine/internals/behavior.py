"""Let dbt make an adapter without reading the whole stack for each of its behavior flags.

A flag finds the module that declares it by `inspect.stack()` (dbt_common/behavior_flags.py, 1.39). For every
frame, that seeks the source among all modules. Each command makes an adapter, each adapter ten flags, and
inside a Prefect task the stack is deep: a tenth of the processor time of a small run.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from flows.engine.internals.patching import replaced

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def dbt_finds_flags_quickly() -> Iterator[None]:
    """Let flags find the module that declares them by the frames alone, while the block runs."""
    from dbt_common import behavior_flags  # noqa: PLC0415 - with dbt, 4 s

    def make(_: Any) -> Any:
        def source() -> str:
            frame = sys._getframe(1)
            while (name := frame.f_globals.get("__name__")) == behavior_flags.__name__ and frame.f_back:
                frame = frame.f_back
            return str(name)

        return staticmethod(source)

    with replaced(behavior_flags.BehaviorFlagRendered, "_default_source", make):
        yield
