"""How dbt runs the batches of a microbatch model (dbt/task/run.py), and what we have it do otherwise.

- Of a batch, dbt says `NodeFinished` with the id of the model, and the same for the model in the end. Which
  batch a thread is at is known only where it is run: `GraphRunnableTask.call_runner`.
- The error of a batch is in one event alone, `GenericExceptionOnRun`; its result says `ERROR`.
- Which batches there are is asked once for a model, before the first: `MicrobatchModelRunner.get_batches`.
- Whether the first batch of an attempt makes the table anew is asked of `_is_incremental` of the same class,
  which knows nothing of earlier attempts: with `--full-refresh` it would drop what those have done.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from flows.engine.events import BatchesPlanned, BatchFinished, Node
from flows.engine.internals.patching import replaced
from flows.engine.results import BatchResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flows.engine.again.batches import Batches, Span
    from flows.engine.events import Event

_PREFIX = "Exception on worker thread. "
# By these, somebody has said which time he means.
_NARROWING = ("EVENT_TIME_START", "EVENT_TIME_END", "SAMPLE")


class _Here(threading.local):
    """The batch that this thread is at."""

    running = False
    error: str | None = None


_here = _Here()


def reads(event: Any) -> bool:
    """Say whether an event is about a batch, of which `call_runner` tells. Keeps the error that it names."""
    if not _here.running:
        return False
    if event.info.name == "GenericExceptionOnRun":
        _here.error = str(event.data.exc).removeprefix(_PREFIX)
    return True


@contextmanager
def batch_by_batch(
    batches: Batches,
    record: Callable[[Event], None],
    tell: Callable[[Event], None],
    redact: Callable[[str], str],
) -> Iterator[None]:
    """Let dbt run the batches that are left; ``record`` and ``tell`` what is planned and how each batch ends.

    A model whose plan can't be recorded fails before its first batch: it could not be resumed truly.
    """
    from dbt.task.run import MicrobatchBatchRunner, MicrobatchModelRunner  # noqa: PLC0415 - with dbt, 4 s
    from dbt.task.runnable import GraphRunnableTask  # noqa: PLC0415

    def call_runner(original: Any) -> Any:
        def call(task: Any, runner: Any) -> Any:
            if not isinstance(runner, MicrobatchBatchRunner):
                return original(task, runner)
            _here.running, _here.error = True, None
            try:
                result = original(task, runner)
            finally:
                _here.running = False
            batch = _result(runner.batches[runner.batch_idx], result, _here.error, redact)
            batches.end(runner.node.unique_id, batch)
            finished = BatchFinished(_node(runner.node), batch)
            with suppress(Exception):  # then it runs again
                record(finished)
            tell(finished)
            return result

        return call

    def get_batches(original: Any) -> Any:
        def get(runner: Any, model: Any) -> dict[int, Span]:
            spans = batches.left(model.unique_id)
            if spans is None:
                spans = list(original(runner, model).values())
                arguments = runner.config.args
                narrowed = any(getattr(arguments, name, None) for name in _NARROWING)
                if not narrowed and runner._is_incremental(model):
                    # dbt asks again only for the latest: what failed before would be missing for ever.
                    spans = sorted({*spans, *batches.owed(model.unique_id)})
            chosen = dict(enumerate(spans))
            if batches.plan(model.unique_id, chosen.values()):
                planned = BatchesPlanned(_node(model), tuple(chosen.values()))
                record(planned)
                tell(planned)
            return chosen

        return get

    def is_incremental(original: Any) -> Any:
        return lambda runner, model: batches.has_done(model.unique_id) or original(runner, model)

    with (
        replaced(GraphRunnableTask, "call_runner", call_runner),
        replaced(MicrobatchModelRunner, "get_batches", get_batches),
        replaced(MicrobatchModelRunner, "_is_incremental", is_incremental),
    ):
        yield


def _node(node: Any) -> Node:
    return Node(node.unique_id, node.name, "model")


def _result(span: Span, result: Any, error: str | None, redact: Callable[[str], str]) -> BatchResult:
    response = result.adapter_response or {}
    message = error if error and str(result.status) == "error" else result.message
    return BatchResult(
        start=span[0].isoformat(),
        end=span[1].isoformat(),
        status=str(result.status),
        seconds=round(result.execution_time, 3),
        message=redact(message).strip() if message else None,
        rows=response.get("rows_affected"),
        bytes_processed=response.get("bytes_processed"),
        bytes_billed=response.get("bytes_billed"),
    )
