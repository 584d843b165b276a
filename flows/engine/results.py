"""What dbt did, as plain typed dicts. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal, NotRequired, TypedDict

if TYPE_CHECKING:
    from collections.abc import Iterable

# dbt's states of a node that failed by itself, and of one that was not run because another failed.
FAILED = frozenset({"error", "fail", "runtime error", "partial success"})
SKIPPED = frozenset({"skipped"})
HOOK = "hook"


class BatchResult(TypedDict):
    """One batch of a microbatch model: the rows of the time from ``start`` until ``end`` (ISO 8601, UTC)."""

    start: str
    end: str
    status: str
    seconds: float
    message: str | None
    rows: int | None
    bytes_processed: int | None
    bytes_billed: int | None


class NodeResult(TypedDict):
    """One model, seed, snapshot, test or hook. Numbers are None where BigQuery gives none."""

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
    batches: NotRequired[list[BatchResult]]  # of a microbatch model, over all attempts


class StepResult(TypedDict):
    """One dbt command. ``counts`` maps dbt's states to numbers of nodes.

    Hooks are no nodes; ``failed`` has those of both that failed.
    """

    status: Literal["success", "failed", "skipped"]
    counts: dict[str, int]
    seconds: float
    rows: int
    bytes_processed: int
    bytes_billed: int
    failed: list[NodeResult]
    nodes: list[NodeResult]
    hooks: list[NodeResult]  # on-run-start and on-run-end
    message: str | None


class PipelineReport(TypedDict):
    """What the flow returns."""

    target: str
    freshness: NotRequired[StepResult]  # where it is switched on
    run: StepResult
    test: StepResult


def step_result(nodes: Iterable[NodeResult], seconds: float) -> StepResult:
    """Sum up one dbt command from its nodes and hooks."""
    everything = list(nodes)
    failed = [node for node in everything if node["status"] in FAILED]
    stopped = any(node["status"] in SKIPPED for node in everything)
    nodes = [node for node in everything if node["kind"] != HOOK]
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
        hooks=[node for node in everything if node["kind"] == HOOK],
        message=None,
    )


def merged(earlier: StepResult | None, retry: StepResult) -> StepResult:
    """Put the nodes and hooks of a retry in the place of their earlier results; seconds add up."""
    if earlier is None:
        return retry
    parts = (earlier["nodes"], earlier["hooks"], retry["nodes"], retry["hooks"])
    nodes = {node["id"]: node for part in parts for node in part}
    return step_result(nodes.values(), earlier["seconds"] + retry["seconds"])


def parted(step: StepResult) -> tuple[StepResult, StepResult]:
    """Return the tables, with the hooks, and the tests of a command that has run both."""
    tables = [node for node in step["nodes"] if node["kind"] != "test"]
    tests = [node for node in step["nodes"] if node["kind"] == "test"]
    run = step_result([*tables, *step["hooks"]], step["seconds"])
    if step["message"]:
        run = {**run, "status": "failed", "message": step["message"]}
    elif run["status"] == "failed" and not run["failed"]:
        # Only left out, since tests before them failed: those are what failed.
        run = {**run, "status": "skipped"}
    test = step_result(tests, round(sum(node["seconds"] for node in tests), 3))
    return run, test


def not_run(status: Literal["failed", "skipped"], message: str) -> StepResult:
    """Return the result of a command that ran no node."""
    return {**step_result([], 0.0), "status": status, "message": message}


def stopped(earlier: StepResult | None, message: str) -> StepResult:
    """Return the result of a command in which dbt itself stopped, with what an earlier attempt has done."""
    return {**(earlier or step_result([], 0.0)), "status": "failed", "message": message}
