"""Say what a run did: one line for Prefect, a summary for the terminal, an artifact in Markdown. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flows import diagnosis, names

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flows.results import NodeResult, PipelineReport, StepResult

_SLOWEST = 10
_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


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


def markdown(report: PipelineReport) -> str:
    """Return the artifact of one run: what failed and why, what ran, what took longest."""
    parts = [f"# dbt on {report['target']}", headline(report) + ".", _steps_table(report)]
    nodes = [node for _, step in _steps(report) for node in step["nodes"]]
    failed = [node for _, step in _steps(report) for node in step["failed"]]
    warned = [node for node in nodes if node["status"] == "warn"]
    skipped = [node for node in nodes if node["status"] == "skipped"]
    if failed:
        parts += ["## Failed", *(_failure_section(node, report["target"]) for node in failed)]
    if warned:
        parts += ["## Warnings", _nodes_table(warned)]
    if skipped:
        parts += ["## Skipped because of a failure before them", _nodes_table(skipped)]
    if nodes:
        slowest = sorted(nodes, key=lambda node: -node["seconds"])[:_SLOWEST]
        parts += ["## Slowest", _nodes_table(slowest)]
    if built := report["run"]["nodes"]:
        parts += ["## Built", _nodes_table(sorted(built, key=lambda node: (node["kind"], node["name"])))]
    return "\n\n".join(parts) + "\n"


def _steps(report: PipelineReport) -> list[tuple[str, StepResult]]:
    """Return the tasks of a run with their results, in their order."""
    asked = [("dbt-freshness", report["freshness"])] if "freshness" in report else []
    return [*asked, ("dbt-run", report["run"]), ("dbt-test", report["test"])]


def _failed(step: StepResult) -> str:
    shown = ", ".join(node["name"] + _wrong_rows(node) for node in step["failed"][:5])
    more = f" and {len(step['failed']) - 5} more" if len(step["failed"]) > 5 else ""
    return f"{len(step['failed'])} of {len(step['nodes'])}: {shown}{more}"


def _wrong_rows(node: NodeResult) -> str:
    return f" ({_count(node['failures'], 'row')})" if node["failures"] else ""


def _ran(step: StepResult) -> str:
    return f"{_count(len(step['nodes']), 'node')} built in {step['seconds']:.1f} s"


def _tested(step: StepResult) -> str:
    warned = step["counts"].get("warn", 0)
    passed = f"{_count(len(step['nodes']) - warned, 'test')} passed in {step['seconds']:.1f} s"
    return passed + (f", {warned} warned" if warned else "")


def _facts(step: StepResult) -> str:
    if step["message"]:
        return step["message"]
    counts = ", ".join(f"{number} {status}" for status, number in step["counts"].items()) or "nothing to do"
    facts = [counts, f"{step['seconds']:.1f} s"]
    if earlier := sum(node.get("earlier", False) for node in step["nodes"]):
        facts.insert(1, f"{earlier} of them done earlier")
    if step["rows"]:
        facts.append(f"{step['rows']:,} rows")
    if step["bytes_billed"]:
        facts.append(f"{_size(step['bytes_billed'])} billed")
    return " · ".join(facts)


def _failure(node: NodeResult, target: str) -> Iterable[str]:
    first, *rest = _lines(node)
    yield f"{node['status']} {node['kind']} {node['name']}: {first}"
    yield from (f"  {line}" for line in rest)
    if grant := _grant(node, target):
        yield f"  {grant}"


def _failure_section(node: NodeResult, target: str) -> str:
    title = f"### {node['kind']} `{node['name']}`{_wrong_rows(node)}"
    fenced = "\n".join(["````", *_lines(node), "````"])
    return "\n\n".join(part for part in (title, fenced, _grant(node, target)) if part)


def _lines(node: NodeResult) -> list[str]:
    lines = [line.strip() for line in (node["message"] or "").splitlines()]
    return [line for line in lines if line] or ["no message"]


def _grant(node: NodeResult, target: str) -> str | None:
    grant = diagnosis.missing_grant(node["message"])
    return grant and f"dbt's service account needs {grant}. Grant it with {names.bring_up(target)}."


def _steps_table(report: PipelineReport) -> str:
    rows = [(task, step["status"], _facts(step)) for task, step in _steps(report)]
    return _table(("task", "state", ""), rows)


def _nodes_table(nodes: Iterable[NodeResult]) -> str:
    return _table(
        ("node", "kind", "state", "seconds", "rows", "processed", "billed"),
        (
            (
                f"`{node['name']}`",
                node["kind"],
                f"{node['status']} (earlier)" if node.get("earlier") else node["status"],
                f"{node['seconds']:.2f}",
                "" if node["rows"] is None or node["kind"] == "test" else f"{node['rows']:,}",
                "" if node["bytes_processed"] is None else _size(node["bytes_processed"]),
                "" if node["bytes_billed"] is None else _size(node["bytes_billed"]),
            )
            for node in nodes
        ),
    )


def _table(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    header = list(header)
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(value: Any) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")


def _size(number: float) -> str:
    power = 0
    while number >= 1024 and power < len(_UNITS) - 1:
        number /= 1024
        power += 1
    return f"{number:.{min(power, 1)}f} {_UNITS[power]}"


def _count(number: int | None, word: str) -> str:
    return f"{number or 0:,} {word}{'' if number == 1 else 's'}"
