"""Gather what the artifact of a run shows beyond its report: pictures, links, failing rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.observe.redaction import without_user_info
from flows.observe.visible import shown
from flows.report import console, failing_rows, lineage_graph, timeline
from flows.report.summaries import Extras
from flows.run import insides

if TYPE_CHECKING:
    from flows.engine.dbt_project import DbtProject
    from flows.engine.results import PipelineReport
    from flows.observe.visible import Log


def extras(report: PipelineReport, project: DbtProject, log: Log) -> Extras:
    """Return the extras of a report. Asks BigQuery for failing rows, if a test failed and they are wanted.

    One that cannot be made is missing, and ``log`` is told.
    """
    nodes = [*report["run"]["nodes"], *report["test"]["nodes"]]
    failed = [*report["run"]["failed"], *report["test"]["failed"]]
    details, profile = project.details, project.profile
    rows = bool(project.options.show_failing_rows)
    return Extras(
        flow_run=shown("the link to Prefect's page", _flow_run, log),
        timeline=shown("the picture over time", lambda: timeline.picture(nodes, details), log),
        lineage=shown("the lineage", lambda: lineage_graph.picture(nodes, details), log),
        failing=shown(
            "what failed tests found", lambda: failing_rows.sections(failed, details, profile, rows=rows), log
        )
        or {},
        links=shown("the links to Google's console", lambda: _links(project), log) or {},
    )


def _links(project: DbtProject) -> dict[str, str]:
    links = {one: console.link(known, project.profile) for one, known in project.details.items()}
    return {one: link for one, link in links.items() if link}


def _flow_run() -> tuple[str, str] | None:
    run = insides.current_flow_run()
    url = insides.page(run.id) if run else None
    return (run.name, without_user_info(url)) if run and url else None
