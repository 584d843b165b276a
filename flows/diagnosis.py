"""Judge dbt's error messages: is a second try worth while, and which grant is missing? Pure functions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flows.results import NodeResult

# BigQuery's own words for what passes by itself.
_TRANSIENT = re.compile(
    r"rate ?limit|quota|back-?end ?error|internal ?error|try again|retr(?:y|ied)|timed? ?out|timeout|"
    r"unavailable|connection|remote end closed|concurrent update|"
    r"\b(?:429|500|502|503|504) (?:GET|POST|PUT|PATCH|DELETE)\b",
    re.IGNORECASE,
)
# What only a change of code, data or grants can mend. GoogleSQL ends its errors with "at [line:column]".
_PERMANENT = re.compile(
    r"(?:compilation|parsing|syntax|parser|catalog|binder|conversion|query) error|at \[\d+:\d+\]|"
    r"access denied|permission|not found|does not exist|already exists|unrecognized name|ambiguous|"
    r"no matching signature|mismatch|division by zero|invalid|could not cast|bad \w+ value|out of range|"
    r"out of bounds|more than one (?:element|row)|must match at most one|bytes billed|contract",
    re.IGNORECASE,
)
# How BigQuery and dbt begin an error that a name in it, such as a column `connection`, does not make passing.
_SURE = re.compile(
    r"^\W*(?:(?:database|runtime) error:? +)?(?:syntax error|unrecognized name|not found|access denied|"
    r"no matching signature|compilation error|parsing error|function not found|"
    # Somebody has cancelled the job on purpose.
    r"job execution was cancell?ed)\b",
    re.IGNORECASE | re.MULTILINE,
)
_PERMISSION = re.compile(r"\bbigquery\.[a-z]+\.[a-zA-Z]+")
_GRANTS = {
    "bigquery.jobs.": "roles/bigquery.jobUser on the project",
    "bigquery.tables.getData": "roles/bigquery.dataViewer on the dataset that is read (raw data), "
    "or roles/bigquery.dataEditor on the target's own dataset",
    "bigquery.datasets.create": "a dataset that exists already: the identity of dbt may not create one",
    "bigquery.": "roles/bigquery.dataEditor on the target's own dataset and roles/bigquery.dataViewer on the "
    "raw dataset",
}


def is_transient(message: str | None) -> bool:
    """Say whether a failure with this message may pass by itself. An unknown kind of failure may."""
    if not message:
        return True
    if _SURE.search(message):
        return False
    if _TRANSIENT.search(message):
        return True
    return not _PERMANENT.search(message)


def worth_retrying(failed: Iterable[NodeResult]) -> bool:
    """Say whether one of the failed nodes may succeed unchanged. A test that found bad rows never does."""
    return any(node["status"] != "fail" and is_transient(node["message"]) for node in failed)


def key_refused(message: str | None) -> bool:
    """Say whether Google refused the key itself (OAuth's `invalid_grant`), as it does a removed one."""
    return bool(message and "invalid_grant" in message)


def missing_grant(message: str | None) -> str | None:
    """Return the role to grant if the message is BigQuery's refusal for want of a permission, else None."""
    if not message or "access denied" not in message.lower():
        return None
    found = _PERMISSION.search(message)
    permission = found.group() if found else "bigquery."
    return next(grant for prefix, grant in _GRANTS.items() if permission.startswith(prefix))
