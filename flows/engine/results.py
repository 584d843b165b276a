"""What dbt did, as plain typed dicts. Pure functions; dbt itself is not imported."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# dbt's states of a node that failed by itself, and of one that was not run because another failed.
FAILED = frozenset({"error", "fail", "runtime error", "partial success"})
SKIPPED = frozenset({"skipped"})


class NodeResult(TypedDict):
    """One model, seed, snapshot or test. Numbers are None where BigQuery gives none."""

    id: str
    name: str
    kind: str
    status: str
    seconds: float
    message: str | None
    rows: int | None
    failures: int | None  # rows that a test found wrong
    bytes_processed: int | None
    bytes_billed: int | None
    earlier: NotRequired[bool]  # done by the run that this one resumes


class StepResult(TypedDict):
    """One dbt command. ``counts`` maps dbt's states to numbers of nodes; ``failed`` is part of ``nodes``."""

    status: Literal["success", "failed", "skipped"]
    counts: dict[str, int]
    seconds: float
    rows: int
    bytes_processed: int
    bytes_billed: int
    failed: list[NodeResult]
    nodes: list[NodeResult]
    message: str | None


class PipelineReport(TypedDict):
    """What the flow returns."""

    target: str
    freshness: NotRequired[StepResult]  # where it is switched on
    run: StepResult
    test: StepResult


def node_result(result: Any, redact: Callable[[str], str]) -> NodeResult:
    """Read one of dbt's RunResult objects."""
    response = result.adapter_response or {}
    return NodeResult(
        id=result.node.unique_id,
        name=result.node.name,
        kind=_kind(result.node),
        status=str(result.status),
        seconds=round(result.execution_time, 3),
        message=redact(result.message) if result.message else None,
        rows=response.get("rows_affected"),
        failures=result.failures,
        bytes_processed=response.get("bytes_processed"),
        bytes_billed=response.get("bytes_billed"),
    )


def source_result(result: Any, redact: Callable[[str], str]) -> NodeResult:
    """Read one of dbt's results about a source. One that is too old is a `fail`, as a test with bad rows."""
    node = node_result(result, redact)
    age = getattr(result, "age", None)
    if age is None:
        return node  # dbt could not ask
    stale = "fail" if node["status"] == "error" else node["status"]
    return {**node, "status": stale, "message": f"the newest row of {node['name']} is {_duration(age)} old"}


def _duration(seconds: float) -> str:
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} seconds"


def finished_node(data: Any, redact: Callable[[str], str]) -> NodeResult:
    """Read the data of dbt's event NodeFinished."""
    node, result = data.node_info, data.run_result
    response = dict(result.adapter_response.items())
    kind = str(node.resource_type)
    return NodeResult(
        id=node.unique_id,
        name=node.node_name,
        kind="test" if kind == "unit_test" else kind,
        status=str(result.status),
        seconds=round(result.execution_time, 3),
        message=redact(result.message) if result.message else None,
        rows=_whole(response.get("rows_affected")),
        failures=result.num_failures if kind in {"test", "unit_test"} else None,
        bytes_processed=_whole(response.get("bytes_processed")),
        bytes_billed=_whole(response.get("bytes_billed")),
    )


def _whole(number: float | None) -> int | None:
    """Protobuf's Struct has no whole numbers."""
    return None if number is None else int(number)


def step_result(nodes: Iterable[NodeResult], seconds: float) -> StepResult:
    """Sum up one dbt command from its nodes."""
    nodes = list(nodes)
    failed = [node for node in nodes if node["status"] in FAILED]
    stopped = any(node["status"] in SKIPPED for node in nodes)
    return StepResult(
        status="failed" if failed or stopped else "success",
        counts=dict(sorted(Counter(node["status"] for node in nodes).items())),
        seconds=round(seconds, 3),
        # The rows of a test's or a source's own query say nothing about the tables.
        rows=sum(node["rows"] or 0 for node in nodes if node["kind"] not in {"test", "source"}),
        bytes_processed=sum(node["bytes_processed"] or 0 for node in nodes),
        bytes_billed=sum(node["bytes_billed"] or 0 for node in nodes),
        failed=failed,
        nodes=nodes,
        message=None,
    )


def merged(earlier: StepResult | None, retry: StepResult) -> StepResult:
    """Put the nodes of a retry in the place of their earlier results; seconds add up."""
    if earlier is None:
        return retry
    nodes = {node["id"]: node for node in [*earlier["nodes"], *retry["nodes"]]}
    return step_result(nodes.values(), earlier["seconds"] + retry["seconds"])


def not_run(status: Literal["failed", "skipped"], message: str) -> StepResult:
    """Return the result of a command that ran no node."""
    return {**step_result([], 0.0), "status": status, "message": message}


def _kind(node: Any) -> str:
    kind = str(getattr(node.resource_type, "value", node.resource_type))
    return "test" if kind == "unit_test" else kind
