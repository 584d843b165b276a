"""Labels of the BigQuery jobs that are not dbt's own, so that a bill can be read by them.

dbt labels its jobs itself (`flows.engine.internals.own_package` tells it to). `target_name` and `node_id` are
named and written as there, so that one query over the bill finds both.
"""

from __future__ import annotations

import re

APP = "projet-m2-bi"
# https://cloud.google.com/bigquery/docs/labels-intro#requirements, in ASCII as dbt-bigquery does it.
_NOT_ALLOWED = re.compile(r"[^a-z0-9_-]")
_LENGTH = 63


def job_labels(target: str, step: str, node_id: str | None = None) -> dict[str, str]:
    """Return the labels of a job that ``step`` starts for ``target``, for a dbt node where there is one."""
    labels = {"app": APP, "step": step, "target_name": target}
    if node_id:
        labels["node_id"] = node_id
    return {name: _NOT_ALLOWED.sub("_", value.lower())[:_LENGTH] for name, value in labels.items()}
