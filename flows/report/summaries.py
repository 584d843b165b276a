"""Say what a run did: one line for Prefect, a summary for the terminal, an artifact in Markdown. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flows.engine import diagnosis
from flows.engine.results import HOOK
from flows.report.units import count, size
from flows.target import names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from flows.engine.results import NodeResult, PipelineReport, StepResult

_SLOWEST = 10


def headline(report: PipelineReport) -> str:
    """Return one line: what failed, or that all is well."""
    for task, step in _steps(report):
        if step["status"] == "failed":
            return f"{task} failed: {step['message'] or _failed(step)}"
    return f"target {report['target']}: {_ran(report['run'])}, {_tested(report['test'])}"


def summary(report: PipelineReport, url: str | None = None) -> str:
    """Return the text that the command line prints, a line per task and per failed node."""
    lines = [f"target {report['target']}"]
    for task, step in _steps(report):
        lines.append(f"  {task:<8}  {step['status']:<7}  {_facts(step)}".rstrip())
        lines += [f"    {line}" for node in step["failed"] for line in _failure(node, report["target"])]
    if url:
        lines.append(f"  {url}")
    return "\n".join(lines)


@dataclass(frozen=True)
class Extras:
    """What the artifact shows beyond the report. ``failing`` and ``links`` are by the id of the node."""

    flow_run: tuple[str, str] | None = None  # name and address
    timeline: str | None = None
    lineage: str | None = None
    failing: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)


def markdown(report: PipelineReport, extras: Extras | None = None) -> str:
    """Return the artifact of one run: what failed and why, what ran and when, what took longest."""
    extras = extras or Extras()
    parts = [f"# dbt on {report['target']}", headline(report) + "."]
    if extras.flow_run:
        parts.append(f"Flow run [{extras.flow_run[0]}]({extras.flow_run[1]})")
    parts.append(_steps_table(report))
    nodes = [node for _, step in _steps(report) for node in step["nodes"]]
    failed = [node for _, step in _steps(report) for node in step["failed"]]
    warned = [node for node in nodes if node["status"] == "warn"]
    skipped = [node for node in nodes if node["status"] == "skipped"]
    if failed:
        parts += ["## Failed", *(_failure_section(node, report["target"], extras) for node in failed)]
    if extras.timeline:
        parts += ["## Over time", extras.timeline]
    if extras.lineage:
        parts += ["## Lineage", extras.lineage]
    if warned:
        parts += ["## Warnings", _nodes_table(warned, extras)]
    if skipped:
        parts += ["## Skipped because of a failure before them", _nodes_table(skipped, extras)]
    if nodes:
        slowest = sorted(nodes, key=lambda node: -node["seconds"])[:_SLOWEST]
        parts += ["## Slowest", _nodes_table(slowest, extras)]
    if built := report["run"]["nodes"]:
        by_name = sorted(built, key=lambda node: (node["kind"], node["name"]))
        parts += ["## Built", _nodes_table(by_name, extras)]
    return "\n\n".join(parts) + "\n"


def _steps(report: PipelineReport) -> list[tuple[str, StepResult]]:
    """Return the tasks of a run with their results, in their order."""
    asked = [("dbt-freshness", report["freshness"])] if "freshness" in report else []
    return [*asked, ("dbt-run", report["run"]), ("dbt-test", report["test"])]


def _failed(step: StepResult) -> str:
    hooks = [node for node in step["failed"] if node["kind"] == HOOK]
    nodes = [node for node in step["failed"] if node["kind"] != HOOK]
    parts = [f"{len(nodes)} of {len(step['nodes'])}: {_first(nodes)}"] if nodes else []
    return "; ".join([*parts, *([f"{HOOK} {_first(hooks)}"] if hooks else [])])


def _first(nodes: Sequence[NodeResult]) -> str:
    shown = ", ".join(node["name"] + _wrong_rows(node) for node in nodes[:5])
    return shown + (f" and {len(nodes) - 5} more" if len(nodes) > 5 else "")


def _wrong_rows(node: NodeResult) -> str:
    return f" ({count(node['failures'], 'row')})" if node["failures"] else ""


def _ran(step: StepResult) -> str:
    return f"{count(len(step['nodes']), 'node')} built in {step['seconds']:.1f} s"


def _tested(step: StepResult) -> str:
    warned = step["counts"].get("warn", 0)
    passed = f"{count(len(step['nodes']) - warned, 'test')} passed in {step['seconds']:.1f} s"
    return passed + (f", {warned} warned" if warned else "")


def _facts(step: StepResult) -> str:
    if step["message"] and not step["nodes"]:
        return step["message"]
    counts = ", ".join(f"{number} {status}" for status, number in step["counts"].items()) or "nothing to do"
    facts = [counts, f"{step['seconds']:.1f} s"]
    if hooks := [node["name"] for node in step["failed"] if node["kind"] == HOOK]:
        facts.insert(1, f"failed {HOOK} {', '.join(hooks)}")
    if step["message"]:
        facts.insert(0, step["message"])
    if earlier := sum(node.get("earlier", False) for node in step["nodes"]):
        facts.insert(1, f"{earlier} of them done earlier")
    if step["rows"]:
        facts.append(f"{step['rows']:,} rows")
    if step["bytes_billed"]:
        facts.append(f"{size(step['bytes_billed'])} billed")
    return " · ".join(facts)


def _failure(node: NodeResult, target: str) -> Iterable[str]:
    first, *rest = _lines(node)
    yield f"{node['status']} {node['kind']} {node['name']}: {first}"
    yield from (f"  {line}" for line in rest)
    if grant := _grant(node, target):
        yield f"  {grant}"


def _failure_section(node: NodeResult, target: str, extras: Extras) -> str:
    title = f"### {node['kind']} `{node['name']}`{_wrong_rows(node)}"
    fenced = "\n".join(["````", *_lines(node), "````"])
    more = (extras.failing.get(node["id"]), _linked(extras, node["id"]), _grant(node, target))
    return "\n\n".join(part for part in (title, fenced, *more) if part)


def _lines(node: NodeResult) -> list[str]:
    lines = [line.strip() for line in (node["message"] or "").splitlines()]
    return [line for line in lines if line] or ["no message"]


def _grant(node: NodeResult, target: str) -> str | None:
    grant = diagnosis.missing_grant(node["message"])
    return grant and f"dbt's service account needs {grant}. Grant it with {names.bring_up(target)}."


def _steps_table(report: PipelineReport) -> str:
    rows = [(task, step["status"], _facts(step)) for task, step in _steps(report)]
    return _table(("task", "state", ""), rows)


def _linked(extras: Extras, node_id: str) -> str | None:
    link = extras.links.get(node_id)
    return link and f"[In Google's console]({link})"


def _nodes_table(nodes: Iterable[NodeResult], extras: Extras) -> str:
    return _table(
        ("node", "kind", "state", "seconds", "rows", "processed", "billed"),
        (
            (
                _name(node, extras),
                node["kind"],
                f"{node['status']} (earlier)" if node.get("earlier") else node["status"],
                f"{node['seconds']:.2f}",
                "" if node["rows"] is None or node["kind"] == "test" else f"{node['rows']:,}",
                "" if node["bytes_processed"] is None else size(node["bytes_processed"]),
                "" if node["bytes_billed"] is None else size(node["bytes_billed"]),
            )
            for node in nodes
        ),
    )


def _name(node: NodeResult, extras: Extras) -> str:
    link = extras.links.get(node["id"])
    return f"[`{node['name']}`]({link})" if link else f"`{node['name']}`"


def _table(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    header = list(header)
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(value: Any) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")
