"""What is left of a dbt command that failed or was cut off. Pure.

dbt's own `retry` runs what failed for good once more, and reads the whole project again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flows.engine import diagnosis
from flows.engine.results import SKIPPED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from flows.engine.lineage import Lineage
    from flows.engine.results import StepResult

_TESTS = ["test", "unit_test"]


def after_failure(step: StepResult, lineage: Lineage) -> set[str]:
    """Return the ids of the nodes that may succeed unchanged, and of those that were skipped for them.

    What reads from a node that failed for good stays as it is: it would be built from old data, or from none.
    """
    passing = {node["id"] for node in step["failed"] if diagnosis.may_pass(node)}
    stuck = {node["id"] for node in step["failed"] if diagnosis.has_failed_for_good(node)}
    skipped = [node["id"] for node in [*step["nodes"], *step["hooks"]] if node["status"] in SKIPPED]
    return passing | {node for node in skipped if stuck.isdisjoint(lineage.ancestors(node))}


def after_crash(listed: Iterable[Mapping[str, Any]], command: str, done: Iterable[str]) -> set[str]:
    """Return the ids of the nodes that a command has still to run, of those that `dbt list` gives."""
    return {
        node["unique_id"]
        for node in listed
        if (command == "build" or (node["resource_type"] in _TESTS) == (command == "test"))
        and node.get("config", {}).get("materialized") != "ephemeral"
    } - set(done)
