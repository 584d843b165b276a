"""What this flow adds to any dbt project, so that nothing has to lie in the project for it.

Macros: those of `flows/dbt_package`, before the BigQuery adapter's own of the same names; a macro of the
project goes before both, as dbt's dispatch has it. Job labels: a project without a `query-comment` of its own
gets `job-label: true`, by which dbt-bigquery labels each job with target and node.

Read in dbt-core 1.12.0 (dbt.config.project) and dbt-adapters' AdapterContainer (dbt.adapters.factory).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = "pipeline_dbt_complet"
V2_PARSER = "DBT_ENGINE_USE_V2_PARSER"
_ON = {"1", "t", "true", "y", "yes", "on"}
DIRECTORY = Path(__file__).resolve().parents[2] / "dbt_package"


def add() -> None:
    """Make it part of every project that dbt reads in this process from now on. Once is enough."""
    from dbt.adapters.factory import FACTORY  # noqa: PLC0415 - with dbt, 4 s
    from dbt.config import project  # noqa: PLC0415

    if NAME in FACTORY.packages:
        return
    FACTORY.packages[NAME] = DIRECTORY
    package_names, query_comment = FACTORY.get_adapter_package_names, project._query_comment_from_cfg

    def with_ours(adapter: str | None) -> list[str]:
        return [NAME, *package_names(adapter)]

    def with_labels(configured: Any) -> Any:
        found = query_comment(configured)
        if isinstance(configured, project.NoValue):
            found.job_label = True
        return found

    FACTORY.get_adapter_package_names = with_ours
    project._query_comment_from_cfg = with_labels


def replaced(manifest: Any, project: str, configured: Mapping[str, Any]) -> list[str]:
    """Say what of the project ``project`` takes the place of ours. ``configured`` is its dbt_project.yml."""
    ours = {
        macro.name.partition("__")[2]: macro.name
        for macro in manifest.macros.values()
        if macro.package_name == NAME
    }
    said = [
        f"the project's own macro {macro.name} ({macro.original_file_path}) takes the place of the flow's"
        for macro in manifest.macros.values()
        if macro.package_name == project and (macro.name in ours or macro.name in ours.values())
    ]
    comment = configured.get("query-comment", configured)
    if comment is not configured and not (isinstance(comment, dict) and comment.get("job-label")):
        said.append(
            "the project's own query-comment takes the place of the flow's: BigQuery's jobs have no labels "
            "of target and node. `job-label: true` in it gives them back"
        )
    return said


def not_used(configured: Mapping[str, Any], environment: Mapping[str, str]) -> list[str]:
    """Say that the parser of dbt 2 is not used, where project or environment ask dbt for it.

    It brings macros of dbt 2, does not know the package that `add` adds, and leaves hooks without their tags,
    by which dbt 1.12 finds them. `flows.engine.arguments` says no to it.
    """
    flags = configured.get("flags")
    asked = (flags if isinstance(flags, dict) else {}).get("use_v2_parser")
    if not asked and environment.get(V2_PARSER, "").lower() not in _ON:
        return []
    who = "dbt_project.yml" if asked else V2_PARSER
    return [f"dbt's v2 parser is not used, though {who} asks for it: see docs/dbt-2.md"]
