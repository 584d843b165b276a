"""Let dbt (dbt/task/runnable.py) stop the BigQuery jobs that it waits for, whatever interrupts it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flows.engine.internals.patching import replaced
from flows.engine.internals.stopping.cancelling import cancel_jobs

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Stopped:
    """Why dbt was stopped, if it was, and the ids of jobs that BigQuery may run on with."""

    reason: BaseException | None = None
    jobs: list[str] = field(default_factory=list)


@contextmanager
def dbt_stops_its_jobs() -> Iterator[Stopped]:
    """Let dbt cancel all of its BigQuery jobs on Ctrl-C, and for any other signal that is raised in it.

    dbt cancels for KeyboardInterrupt and SystemExit alone. Prefect turns a SIGTERM into an exception of its
    own, and tells a cancelled run from a crashed one by that. So it goes through dbt as SystemExit. Whatever
    dbt returns then, the reason that is yielded is what has ended it.
    """
    from dbt.adapters.factory import get_adapter  # noqa: PLC0415 - with dbt, 4 s
    from dbt.task.runnable import GraphRunnableTask  # noqa: PLC0415

    stopped = Stopped()

    def run_queue(original: Any) -> Any:
        def run(task: Any, pool: Any) -> None:
            try:
                original(task, pool)
            except Exception:
                raise
            except BaseException as reason:
                stopped.reason = reason
                if isinstance(reason, KeyboardInterrupt | SystemExit):
                    raise
                raise SystemExit from reason

        return run

    def cancel_connections(_original: Any) -> Any:
        def cancel(task: Any, pool: Any) -> None:
            pool.close()
            pool.terminate()
            stopped.jobs = cancel_jobs(get_adapter(task.config).connections, pool._pool)

        return cancel

    with (
        replaced(GraphRunnableTask, "run_queue", run_queue),
        replaced(GraphRunnableTask, "_cancel_connections", cancel_connections),
    ):
        yield stopped
