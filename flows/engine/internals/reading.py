"""Read dbt's events and results into `flows.engine.events` and `flows.engine.results`."""

from __future__ import annotations

import re
from datetime import UTC
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from flows.engine.details import NodeDetails
from flows.engine.events import Finished, Node, Started
from flows.engine.internals import hooks, microbatch
from flows.engine.lineage import Lineage, ParsedNode
from flows.engine.results import HOOK, NodeResult

if TYPE_CHECKING:
    from collections.abc import Callable

_TESTS = {"test", "unit_test"}
_HOOK_PREFIX = re.compile(r"^\S+ failed, error:\s*")
# How dbt reports the exception that it then returns: whoever handles that says it in better words.
_ENDINGS = {"MainEncounteredError", "MainStackTrace"}


def is_ending(event: Any) -> bool:
    """Say whether an event only repeats what ends the command."""
    return event.info.name in _ENDINGS


def unmatched(event: Any) -> str | None:
    """Return the criterion that matches nothing, if the event says that of one."""
    return str(event.data.spec_raw) if event.info.name == "NoNodesForSelectionCriteria" else None


class Reader:
    """Reads for one project: ``name`` says how its nodes are called, and ``redact`` blanks secrets."""

    def __init__(self, redact: Callable[[str], str], name: Callable[[str], str | None]) -> None:
        self._redact = redact
        self._name = name

    def node_of(self, event: Any) -> Node | None:
        """Return the node that an event is about, if it is about one.

        None also for an ephemeral model, which does not run: it is part of the queries of others.
        """
        info = getattr(event.data, "node_info", None)
        if info is None or not info.unique_id or info.materialized == "ephemeral":
            return None
        return self._node(info.unique_id, info.node_name, info.resource_type)

    def change(self, event: Any, node: Node) -> Started | Finished | None:
        """Read one of dbt's events about ``node``. None if it is not the start or the end of it."""
        if microbatch.reads(event):
            return None
        if node.kind == HOOK:
            return hooks.change(event, node, self._redact)
        at = event.info.ts.ToDatetime(tzinfo=UTC)
        # dbt has a NodeStart too, but that comes even for a node that it then skips.
        if event.info.name == "LogStartLine":
            return Started(node, at, event.data.total)
        if event.info.name != "NodeFinished":
            return None
        return Finished(node, at, self._read(node, event.data.run_result, event.data.run_result.num_failures))

    def result(self, result: Any) -> NodeResult:
        """Read one of dbt's RunResult objects. A source that is too old is a `fail`, as a test is."""
        node = self._node(result.node.unique_id, result.node.name, result.node.resource_type)
        read = self._read(node, result, result.failures)
        if read["kind"] == HOOK and read["message"]:
            return {**read, "message": _HOOK_PREFIX.sub("", read["message"])}
        age = getattr(result, "age", None)
        if age is None:
            return read  # no source, or dbt could not ask
        stale = "fail" if read["status"] == "error" else read["status"]
        return {
            **read,
            "status": stale,
            "message": f"the newest row of {read['name']} is {_duration(age)} old",
        }

    def _node(self, node_id: str, name: str, kind: Any) -> Node:
        return Node(node_id, self._name(node_id) or name, _kind(kind))

    def _read(self, node: Node, result: Any, failures: int | None) -> NodeResult:
        """Read what a result and the message of an event have in common."""
        response = dict((result.adapter_response or {}).items())
        is_test = node.kind in _TESTS
        return NodeResult(
            id=node.id,
            name=node.name,
            kind="test" if is_test else node.kind,
            status=str(result.status),
            seconds=round(result.execution_time, 3),
            message=self._redact(result.message).strip() if result.message else None,
            rows=_whole(response.get("rows_affected")),
            failures=failures if is_test else None,
            bytes_processed=_whole(response.get("bytes_processed")),
            bytes_billed=_whole(response.get("bytes_billed")),
        )


def lineage(manifest: Any) -> Lineage:
    """Read dbt's manifest."""
    kinds = (manifest.nodes, manifest.sources, manifest.unit_tests, manifest.functions)
    return Lineage(_parsed(node) for kind in kinds for node in kind.values())


def details(result: Any, project: Lineage) -> NodeDetails:
    """Read what one of dbt's RunResult objects says of its node."""
    node = result.node
    response = result.adapter_response or {}
    timing = [one for one in result.timing if one.started_at and one.completed_at]
    job = tuple(response.get(key) for key in ("project_id", "location", "job_id"))
    relation = tuple(getattr(node, key, None) for key in ("database", "schema", "alias"))
    makes_table = _kind(node.resource_type) in {"model", "seed", "snapshot"}
    return NodeDetails(
        started=min((one.started_at for one in timing), default=None),
        ended=max((one.completed_at for one in timing), default=None),
        thread=str(result.thread_id),
        folder=str(PurePosixPath(node.original_file_path).parent),
        parents=tuple(project.parents(node.unique_id)),
        relation=relation if makes_table and all(relation) else None,  # type: ignore[arg-type]
        job=job if all(job) else None,  # type: ignore[arg-type]
        sql=getattr(node, "compiled_code", None),
    )


def _parsed(node: Any) -> ParsedNode:
    kind = _kind(node.resource_type)
    attached = getattr(node, "attached_node", None)
    return ParsedNode(
        id=node.unique_id,
        kind=kind,
        package=node.package_name,
        name=_name(node, kind),
        # A seed has no such list.
        reads=tuple(getattr(node, "depends_on_nodes", ())),
        ephemeral=bool(getattr(node, "is_ephemeral_model", False)),
        tests=() if kind != "test" else (attached,) if attached else tuple(node.depends_on_nodes),
    )


def _name(node: Any, kind: str) -> str:
    """Return a name as `--select` takes it: `dim.v2` of a version, `raw.flights` of a source."""
    if (version := getattr(node, "version", None)) is not None:
        return f"{node.name}.v{version}"
    if source := getattr(node, "source_name", None):
        return f"{source}.{node.name}"
    return f"{node.model}::{node.name}" if kind == "unit_test" else str(node.name)


def _kind(resource_type: Any) -> str:
    kind = str(getattr(resource_type, "value", resource_type))
    return HOOK if kind == "operation" else kind


def _whole(number: float | None) -> int | None:
    # A Struct of protobuf, as events hold it, has no whole numbers.
    return None if number is None else int(number)


def _duration(seconds: float) -> str:
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} seconds"
