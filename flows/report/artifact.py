"""Gather what the artifact of a run shows beyond its report: pictures, links, failing rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect.context import FlowRunContext
from prefect.utilities.urls import url_for

from flows.observe.redaction import without_user_info
from flows.report import failing_rows, lineage_graph, node_details, timeline
from flows.report.reporting import Extras

if TYPE_CHECKING:
    from flows.engine.dbt_project import DbtProject
    from flows.engine.results import PipelineReport


def extras(report: PipelineReport, project: DbtProject) -> Extras:
    """Return the extras of a report. Asks BigQuery for failing rows, if a test failed and they are wanted."""
    nodes = [*report["run"]["nodes"], *report["test"]["nodes"]]
    failed = [*report["run"]["failed"], *report["test"]["failed"]]
    links = {
        node_id: link
        for node_id, one in project.details.items()
        if (link := node_details.link(one, project.profile))
    }
    return Extras(
        flow_run=_flow_run(),
        timeline=_with(timeline.picture(nodes, project.details), timeline.legend()),
        lineage=_with(lineage_graph.graph(nodes, project.details), lineage_graph.legend()),
        failing=failing_rows.sections(
            failed, project.details, project.profile, rows=bool(project.options.show_failing_rows)
        ),
        links=links,
    )


def _with(picture: str | None, legend: str) -> str | None:
    return picture and f"{picture}\n\n{legend}"


def _flow_run() -> tuple[str, str] | None:
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        return None
    url = url_for("flow-run", obj_id=context.flow_run.id)
    return (context.flow_run.name, without_user_info(url)) if url else None
