"""What pictures and links need to know of a node beyond its result. dbt itself is not imported."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from flows.engine.lineage import Lineage
    from flows.target.dbt_profile import DbtProfile

_GOOGLE = ("", "https://bigquery.googleapis.com", "https://www.googleapis.com")
_CONSOLE = "https://console.cloud.google.com/bigquery"


@dataclass(frozen=True)
class NodeDetails:
    """When (UTC) and on which thread a node ran, what it reads and makes. None where dbt does not say."""

    started: datetime | None
    ended: datetime | None
    thread: str
    folder: str
    parents: tuple[str, ...]
    relation: tuple[str, str, str] | None  # project, dataset, table
    job: tuple[str, str, str] | None  # project, location, id
    sql: str | None


def of(result: Any, lineage: Lineage) -> NodeDetails:
    """Read one of dbt's RunResult objects."""
    node = result.node
    response = result.adapter_response or {}
    timing = [one for one in result.timing if one.started_at and one.completed_at]
    job = tuple(response.get(key) for key in ("project_id", "location", "job_id"))
    relation = tuple(getattr(node, key, None) for key in ("database", "schema", "alias"))
    makes_table = str(node.resource_type) in {"model", "seed", "snapshot"}
    return NodeDetails(
        started=min((one.started_at for one in timing), default=None),
        ended=max((one.completed_at for one in timing), default=None),
        thread=str(result.thread_id),
        folder=str(PurePosixPath(node.original_file_path).parent),
        parents=tuple(lineage.parents(node.unique_id)),
        relation=relation if makes_table and all(relation) else None,  # type: ignore[arg-type]
        job=job if all(job) else None,  # type: ignore[arg-type]
        sql=getattr(node, "compiled_code", None),
    )


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
