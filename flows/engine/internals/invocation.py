"""Run one command of dbt in this process."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from flows.engine.internals import hooks, own_package
from flows.engine.internals.stopping import interrupting
from flows.engine.internals.thrift import lean_imports, quickly, shared_sign_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

# dbt keeps its flags, adapters and event manager in globals of the process.
_one_at_a_time = threading.Lock()


def invoke(
    words: Sequence[str],
    *,
    manifest: Any,
    environment: Mapping[str, str],
    on_event: Callable[[Any], None],
    may_run_on: Callable[[list[str]], None],
) -> Any:
    """Run dbt with a command line; return its dbtRunnerResult. ``manifest`` is a parsed project, or None.

    ``may_run_on`` is told the ids of jobs of which BigQuery has not said that they are cancelled. Raises what
    has interrupted dbt.
    """
    lean_imports.import_dbt()
    own_package.add()
    from dbt.cli.main import dbtRunner  # noqa: PLC0415 - takes 4 s

    runner = dbtRunner(manifest=manifest, callbacks=[on_event])
    with (
        _one_at_a_time,
        _environment(environment),
        interrupting.dbt_stops_its_jobs() as stopped,
        shared_sign_in.dbt_signs_in_once(),
        hooks.hooks_say_why(),
        quickly.dbt_works_quickly(),
    ):
        outcome = runner.invoke(list(words))
    if stopped.jobs:
        may_run_on(stopped.jobs)
    if stopped.reason is not None:
        raise stopped.reason
    if outcome.exception is not None and not isinstance(outcome.exception, Exception):
        raise outcome.exception  # Ctrl-C or SIGTERM before a node ran, which dbt has caught
    return outcome


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
