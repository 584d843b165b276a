"""Let dbt do in less processor time what it does in each process or with each command, with the same outcome.

A tenth to a third of a small run each, as each run of the flow is a process and three commands.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from flows.engine.internals.patching import replaced

if TYPE_CHECKING:
    from collections.abc import Iterator

_PLAIN = (str, int, float, bool)


@contextmanager
def dbt_works_quickly() -> Iterator[None]:
    """Do all of it while the block runs."""
    from dbt.plugins import manager  # noqa: PLC0415 - with dbt, 4 s
    from dbt_common import behavior_flags  # noqa: PLC0415
    from dbt_common.clients import system  # noqa: PLC0415
    from mashumaro.jsonschema import schema  # noqa: PLC0415

    with ExitStack() as stack:
        for owner, name, make in (
            (behavior_flags.BehaviorFlagRendered, "_default_source", _source_by_frames),
            (schema, "_default", _plain_default),
            (system, "json", _json_at_once),
            # dbt's own cache, for its tests, of what is installed: else every command looks through all.
            (manager, "test_caching_enabled", lambda _: lambda: True),
        ):
            stack.enter_context(replaced(owner, name, make))
        yield


def _source_by_frames(_: Any) -> Any:
    """Find the module that declares a behavior flag (dbt_common/behavior_flags.py, 1.39).

    dbt takes `inspect.stack()`, which for every frame seeks the source among all modules. Each command makes
    an adapter, each adapter ten flags, and inside a Prefect task the stack is deep.
    """
    from dbt_common import behavior_flags  # noqa: PLC0415

    def source() -> str:
        frame = sys._getframe(1)
        while (name := frame.f_globals.get("__name__")) == behavior_flags.__name__ and frame.f_back:
            frame = frame.f_back
        return str(name)

    return staticmethod(source)


def _plain_default(original: Any) -> Any:
    """Write a field's default into a JSON Schema (mashumaro/jsonschema/schema.py, 3.17).

    dbt checks dbt_project.yml, profile and packages against schemas that are made in each process. For each
    field with a default, mashumaro compiles a class that only says how JSON writes the default.
    """

    def default(of_type: Any, value: Any, config: Any) -> Any:
        kind = type(value)  # no subclass: an Enum is a str, too
        if value is None or kind in _PLAIN:
            return value
        if kind in {list, dict} and not value:
            return kind()
        return original(of_type, value, config)

    return default


def _json_at_once(json: Any) -> Any:
    """Write manifest and results (dbt_common/clients/system.py) with Python's encoder in C.

    `json.dump` takes the one in Python, and writes each bracket and comma by itself.
    """

    def dump(value: Any, file: Any, **options: Any) -> None:
        file.write(json.dumps(value, **options))

    return SimpleNamespace(**{**vars(json), "dump": dump})
