"""Judge dbt's error messages: is a second try worth while, and which grant is missing? Pure functions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flows.engine.results import NodeResult

# Where dbt says in which node, file and compiled file it was: names there say nothing about the error.
_PLACES = re.compile(r"^\s*(?:[A-Z]\w+ Error in .+ \(.+\)|compiled code at .+)\s*$", re.MULTILINE)
# GoogleSQL ends what it finds wrong in a query with "at [line:column]", and dbt begins so what it finds.
_WRONG_SQL = re.compile(
    r"at \[\d+:\d+\]|(?:compilation|parsing|syntax|parser|catalog|binder|conversion) error", re.IGNORECASE
)
# Ends with a position as well, but passes.
_CONCURRENT = re.compile(r"concurrent update", re.IGNORECASE)
# How BigQuery and dbt begin an error that a name in it, such as a table `quota exceeded`, does not make pass.
_SURE = re.compile(
    r"^\W*(?:(?:database|runtime) error:? +)?(?:unrecognized name|not found|access denied|"
    r"no matching signature|function not found|"
    # Somebody has cancelled the job on purpose.
    r"job execution was cancell?ed)\b",
    re.IGNORECASE | re.MULTILINE,
)
# What passes by itself, in the words of BigQuery (https://cloud.google.com/bigquery/docs/error-messages), of
# google-api-core, requests and urllib3.
_TRANSIENT = re.compile(
    r"rate ?limits?(?: ?exceeded|:)|exceeded (?:\w+ )*rate limits|quota ?exceeded|exceeded (?:\w+ )*quota|"
    r"back-?end ?error|(?:an )?internal ?error|try again|please retry|retry(?:ing)? the|retrying may|"
    r"visibility check was unavailable|(?:currently|temporarily|service|table) ?unavailable|"
    r"timed ?out|timeout of|designated timeout|deadline ?exceeded|"
    r"connection (?:aborted|broken|closed|error|refused|reset|timed)|connectionerror|connectionpool|"
    r"remote end closed|remotedisconnected|max retries exceeded|broken pipe|eof occurred|"
    r"failed to (?:establish|resolve)|name resolution|"
    r"\b(?:429|500|502|503|504) (?:GET|POST|PUT|PATCH|DELETE)\b",
    re.IGNORECASE,
)
# What only a change of data or grants can mend, where BigQuery says it without a position, or dbt itself.
_PERMANENT = re.compile(
    r"database error|query error|permission|does not exist|already exists|ambiguous|mismatch|invalid|"
    r"division by zero|could not cast|bad \w+ value|out of range|out of bounds|"
    r"more than one (?:element|row)|must match at most one|bytes billed|contract",
    re.IGNORECASE,
)
_PERMISSION = re.compile(r"\bbigquery\.[a-z]+\.[a-zA-Z]+")
# In `Table project:dataset.table` and `Dataset project:dataset`.
_DATASET = re.compile(r"\b(?:table|dataset) [\w.:-]+:(\w+)\b", re.IGNORECASE)
# Of a project as a whole, in BigQuery's words.
_OF_PROJECT = re.compile(r"\b(?:in|on|Denied:) project\b", re.IGNORECASE)
_GRANTS = {
    "bigquery.jobs.create": "roles/bigquery.jobUser on the project",
    "bigquery.jobs.": "roles/bigquery.resourceViewer on the project, which no setting gives",
    "bigquery.datasets.create": "a dataset that exists already: the identity of dbt may not create one",
}
_OWN = (
    "roles/bigquery.dataEditor on the target's own dataset and roles/bigquery.dataViewer on the raw dataset"
)
_METADATA = "roles/bigquery.metadataViewer on the project, which the setting `projectMetadata: true` gives"


def is_transient(message: str | None) -> bool:
    """Say whether a failure with this message may pass by itself.

    Of what BigQuery answers to a query of dbt's ("Database Error") only what is known to pass may; of
    everything else, what is not known to stay.
    """
    if not message:
        return True
    said = _PLACES.sub("", message)
    if _CONCURRENT.search(said):
        return True
    if _WRONG_SQL.search(message) or _SURE.search(said):
        return False
    if _TRANSIENT.search(said):
        return True
    return not _PERMANENT.search(message)


def worth_retrying(failed: Iterable[NodeResult]) -> bool:
    """Say whether one of the failed nodes may succeed unchanged. A test that found bad rows never does."""
    return any(
        is_transient(message) for node in failed if node["status"] != "fail" for message in _said(node)
    )


def may_pass(node: NodeResult) -> bool:
    """Say whether a failed node, or a batch of it, may succeed in a next attempt."""
    return node["status"] != "fail" and any(message_may_pass(message) for message in _said(node))


def has_failed_for_good(node: NodeResult) -> bool:
    """Say whether a failed node will not be whole after a next attempt, even if a part of it may pass."""
    return node["status"] == "fail" or not all(message_may_pass(message) for message in _said(node))


def message_may_pass(message: str | None) -> bool:
    """Say whether what failed with this message may succeed in a next attempt, which may have another key."""
    return is_transient(message) or key_refused(message)


def _said(node: NodeResult) -> list[str | None]:
    """Return what BigQuery has said of a failed node: of each failed batch, where it has batches."""
    batches = [batch["message"] for batch in node.get("batches", ()) if batch["status"] == "error"]
    return batches or [node["message"]]


def key_refused(message: str | None) -> bool:
    """Say whether Google refused the key itself (OAuth's `invalid_grant`), as it does a removed one."""
    return bool(message and "invalid_grant" in message)


def missing_grant(message: str | None) -> str | None:
    """Return the role to grant if the message is BigQuery's refusal for want of a permission, else None."""
    if not message or "access denied" not in message.lower():
        return None
    found = _PERMISSION.search(message)
    permission = found.group() if found else "bigquery."
    known = next((grant for prefix, grant in _GRANTS.items() if permission.startswith(prefix)), None)
    return known or _grant_on(permission, message)


def _grant_on(permission: str, message: str) -> str:
    """Name the role on what BigQuery names."""
    dataset = _DATASET.search(message)
    if dataset is None:
        return _METADATA if _OF_PROJECT.search(message) and permission != "bigquery." else _OWN
    reads = permission == "bigquery.tables.getData"
    roles = ("dataViewer", "dataEditor if it writes") if reads else ("dataEditor", "dataViewer if it reads")
    return (
        f"roles/bigquery.{roles[0]} on the dataset {dataset[1]}, or roles/bigquery.{roles[1]}. If that is "
        "none of the stack's datasets, name it in the setting `datasets` (dbt writes) or `readDatasets`"
    )
