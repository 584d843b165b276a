"""Show the query of a failed test and the first rows that it found.

Rows are data, and whoever may see the Prefect workspace sees its artifacts: there are none unless the stack's
setting `showFailingRows` says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flows.observe.redaction import redactor
from flows.target import warehouse
from flows.target.job_labels import job_labels

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from flows.engine.details import NodeDetails
    from flows.engine.results import NodeResult
    from flows.target.dbt_profile import DbtProfile

_TESTS, _ROWS, _CELL, _SQL = 5, 5, 60, 4000
_SECONDS = 15.0


def sections(
    failed: Sequence[NodeResult], details: Mapping[str, NodeDetails], profile: DbtProfile, *, rows: bool
) -> dict[str, str]:
    """Return Markdown for each failed test by its id: its SQL and, if ``rows``, five of the first five tests.

    For those it asks BigQuery with the identity of the profile, within its `maximum_bytes_billed`. Whatever
    that answers, this does not raise: the text then says why there are no rows.
    """
    redact = redactor(profile.secrets.values())
    made = {}
    tests = [node for node in failed if node["kind"] == "test" and _sql(details.get(node["id"]))]
    for index, node in enumerate(tests):
        sql = _sql(details.get(node["id"])) or ""
        parts = [f"````sql\n{_cut(redact(sql), _SQL)}\n````"]
        if index < _TESTS and node["status"] == "fail" and rows:
            labels = job_labels(profile.target, "failing-rows", node["id"])
            parts.append(_rows(sql, profile, labels, redact))
        made[node["id"]] = "\n\n".join(parts)
    return made


def _sql(details: NodeDetails | None) -> str | None:
    return details.sql.strip() if details and details.sql else None


def _rows(sql: str, profile: DbtProfile, labels: Mapping[str, str], redact: Callable[[str], str]) -> str:
    try:
        limited = f"select * from (\n{sql}\n) limit {_ROWS}"  # noqa: S608 - dbt's own query
        answer = warehouse.query(profile, limited, _SECONDS, labels)
        return _table(answer, redact)
    except Exception as error:  # a report without rows is better than none
        return f"Its rows could not be read: {_cut(redact(str(error)), 200)}"


def _table(answer: Mapping[str, Any], redact: Callable[[str], str]) -> str:
    columns = [_cell(field["name"], redact) for field in answer["schema"]["fields"]]
    lines = [columns, ["---"] * len(columns)]
    lines += [[_cell(cell["v"], redact) for cell in row["f"]] for row in answer.get("rows", [])]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(value: Any, redact: Callable[[str], str]) -> str:
    text = "NULL" if value is None else redact(str(value))
    return _cut(text, _CELL).replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - 1] + "…"
