"""What is left of a dbt command that failed or was cut off, and dbt's way to run just that.

dbt's own `retry` runs what failed for good once more, and reads the whole project again.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flows.engine import diagnosis, lineage
from flows.engine.results import SKIPPED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from datetime import datetime

    from flows.engine.results import StepResult

_TESTS = ["test", "unit_test"]


@dataclass(frozen=True)
class Batches:
    """Of models of the kind microbatch that got some batches done: dbt's BatchResults by the model's id.

    The batches are those of the run that began at ``since``.
    """

    done: Mapping[str, Any] = field(default_factory=dict)
    since: datetime | None = None


def after_failure(step: StepResult, manifest: Any) -> set[str]:
    """Return the ids of the nodes that may succeed unchanged, and of those that were skipped for them.

    What reads from a node that failed for good stays as it is: it would be built from old data, or from none.
    """
    failed = {node["id"] for node in step["failed"]}
    passing = {node["id"] for node in step["failed"] if diagnosis.may_pass(node)}
    skipped = {node["id"] for node in step["nodes"] if node["status"] in SKIPPED}
    return passing | {
        node for node in skipped if not failed.intersection(lineage.ancestors(manifest, node)) - passing
    }


def after_crash(listed: Iterable[str] | None, command: str, done: Iterable[str]) -> set[str]:
    """Return the ids of the nodes that a command has still to run, from the lines that `dbt list` gives."""
    nodes = [json.loads(line) for line in listed or []]
    return {
        node["unique_id"]
        for node in nodes
        if (node["resource_type"] in _TESTS) == (command == "test")
        and node.get("config", {}).get("materialized") != "ephemeral"
    } - set(done)


@contextmanager
def dbt_runs_only(nodes: Collection[str] | None, batches: Batches) -> Iterator[None]:
    """Let dbt's `build` and `test` run just these nodes, whatever they select. None leaves that to dbt.

    Done as dbt's own RetryTask does it (dbt.task.retry).
    """
    if nodes is None:
        yield
        return
    from dbt.graph import GraphQueue  # noqa: PLC0415 - with dbt, 4 s
    from dbt.selected_resources import set_selected_resources  # noqa: PLC0415
    from dbt.task.build import BuildTask  # noqa: PLC0415
    from dbt.task.runnable import GraphRunnableTask  # noqa: PLC0415

    chosen = set(nodes)

    def get_graph_queue(task: Any) -> Any:
        set_selected_resources(chosen)
        if isinstance(task, BuildTask) and batches.done:
            task.batch_map = dict(batches.done)
            task.original_invocation_started_at = batches.since
        return GraphQueue(task.graph.get_subset_graph(chosen).graph, task.manifest, chosen)

    originals = [(kind, kind.get_graph_queue) for kind in (BuildTask, GraphRunnableTask)]
    for kind, _ in originals:
        kind.get_graph_queue = get_graph_queue
    try:
        yield
    finally:
        for kind, original in originals:
            kind.get_graph_queue = original


def batches_of(outcome: Any, before: Batches) -> Batches:
    """Return what dbt's result says of batches, added to what was known of them before."""
    done = {
        one.node.unique_id: one.batch_results
        for one in outcome.results
        if getattr(one, "batch_results", None) and one.batch_results.successful and one.batch_results.failed
    }
    return Batches({**before.done, **done}, before.since or outcome.generated_at)
