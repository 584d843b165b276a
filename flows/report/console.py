"""Where Google's console shows what a node has made."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flows.engine.details import NodeDetails
    from flows.target.dbt_profile import DbtProfile

_GOOGLE = ("", "https://bigquery.googleapis.com", "https://www.googleapis.com")
_CONSOLE = "https://console.cloud.google.com/bigquery"


def link(details: NodeDetails, profile: DbtProfile) -> str | None:
    """Return where Google's console shows the node's table, or its query. None for another endpoint."""
    if str(profile.output.get("api_endpoint") or "").rstrip("/") not in _GOOGLE:
        return None
    if details.relation:
        project, dataset, table = details.relation
        return f"{_CONSOLE}?project={project}&ws=!1m5!1m4!4m3!1s{project}!2s{dataset}!3s{table}"
    if details.job:
        project, location, job = details.job
        return f"{_CONSOLE}?project={project}&j=bq:{location}:{job}&page=queryresults"
    return None
