"""Choose by id what dbt runs (dbt/task/runnable.py, build.py), as dbt's own RetryTask does it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from flows.engine.internals.patching import replaced

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator


@contextmanager
def dbt_runs(only: Collection[str] | None = None, without: Collection[str] = ()) -> Iterator[None]:
    """Let dbt's `build` and `test` run just the nodes in ``only``, or what they select ``without`` some.

    Hooks run whenever a node does. Among ``only`` they are run even if no node is left.
    """
    from dbt.graph import GraphQueue  # noqa: PLC0415 - with dbt, 4 s
    from dbt.selected_resources import set_selected_resources  # noqa: PLC0415
    from dbt.task.build import BuildTask  # noqa: PLC0415
    from dbt.task.runnable import GraphRunnableTask  # noqa: PLC0415

    left_out = set(without)

    def make(original: Any) -> Any:
        def get_graph_queue(task: Any) -> Any:
            if only is None:
                chosen = set(original(task).get_selected_nodes()) - left_out
                if isinstance(task, BuildTask):
                    task.selected_unit_tests = set(task.selected_unit_tests) - left_out
                    task.build_model_to_unit_test_map(task.selected_unit_tests)
            else:
                chosen = set(only)
            hooks = {one for one in chosen if one.startswith("operation.")}
            nodes = chosen - hooks
            set_selected_resources(nodes)
            # dbt runs hooks unless nothing at all is selected. They are no part of its queue.
            return GraphQueue(task.graph.get_subset_graph(nodes).graph, task.manifest, nodes or hooks)

        return get_graph_queue

    if only is None and not left_out:
        yield
        return
    with (
        replaced(BuildTask, "get_graph_queue", make),
        replaced(GraphRunnableTask, "get_graph_queue", make),
    ):
        yield
