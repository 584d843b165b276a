from __future__ import annotations

import pytest

from flows.engine import diagnosis
from tests.flows.documents import node


def in_dbt(said: str, name: str = "a", path: str = "models/a.sql") -> str:
    """What dbt makes of it in the result of a model."""
    return f"Database Error in model {name} ({path})\n  {said}\n  compiled code at target/dev/run/tiny/{path}"


@pytest.mark.parametrize(
    "message",
    [
        None,
        "something nobody has seen before",
        "Exceeded rate limits: too many api requests per user per method for this user_method",
        "503 POST https://bigquery.googleapis.com/bigquery/v2/projects/p/jobs: Backend error",
        "('Connection aborted.', RemoteDisconnected('Remote end closed connection without response'))",
        "Could not serialize access to table p:d.t due to concurrent update",
        "Timeout of 600.0s exceeded, last exception: 503 GET https://…",
        "Database Error in model a (models/a.sql)\n  Could not serialize access to table p:d.t due to "
        "concurrent update at [1:1]",
        "503 GET https://x/bigquery/v2/jobs/j: Error encountered during execution. Retrying may solve it",
        "HTTPSConnectionPool(host='bigquery.googleapis.com', port=443): Max retries exceeded",
        "ConnectionResetError(104, 'Connection reset by peer')",
        # What dbt puts before and after BigQuery's own words.
        in_dbt("Exceeded rate limits: too many table update operations for this table."),
        in_dbt("Job exceeded rate limits: Your project exceeded quota for concurrent queries."),
        in_dbt("Quota exceeded: Your project exceeded quota for concurrent queries."),
        in_dbt("An internal error occurred and the request could not be completed. Error: 3144498"),
        in_dbt("Visibility check was unavailable. Please retry the request."),
        in_dbt("Error encountered during execution. Retrying may solve the problem."),
        in_dbt("The service is currently unavailable."),
        in_dbt("Operation did not complete within the designated timeout of 300 seconds."),
        in_dbt("HTTPSConnectionPool(host='oauth2.googleapis.com', port=443): Read timed out."),
        in_dbt("Transaction is aborted due to concurrent update against table p:d.t. at [1:1]"),
    ],
)
def test_what_may_pass_is_tried_again(message: str | None) -> None:
    assert diagnosis.is_transient(message)


@pytest.mark.parametrize(
    "message",
    [
        "Syntax error: Expected end of input but got keyword WHEN at [3:7]",
        "Unrecognized name: nme; Did you mean name? at [1:8]",
        "Not found: Dataset p:d was not found in location EU",
        "Access Denied: Project p: User does not have bigquery.jobs.create permission in project p.",
        "Compilation Error in model x (models/x.sql)\n  'refs' is undefined",
        "division by zero: 1 / 0",
        "Query exceeded limit for bytes billed: 1000. 10485760 or higher required.",
        "UPDATE/MERGE must match at most one source row for each target row",
        "Unrecognized name: connection_timeout; Did you mean connection? at [1:8]",
        "Database Error in model a (models/a.sql)\n  Not found: Table p:d.quota was not found in location EU",
        'Syntax error: Unexpected identifier "unavailable" at [2:1]',
        "Compilation Error in model x (models/timeouts.sql)\n  'timeout' is undefined",
        "Job execution was cancelled: User requested cancellation",
        # Names in dbt's own lines, and in BigQuery's.
        in_dbt("division by zero: 1 / 0", "fct_connections", "models/timeouts/rate_limit_exceeded.sql"),
        in_dbt("Could not cast literal 'x' to type INT64 at [3:5]", "try_again"),
        in_dbt("Name connection_id not found inside f at [3:5]"),
        in_dbt("Column quota_exceeded in USING clause not found on right side of join at [3:5]"),
        in_dbt("Cannot query over table 'p.d.t' without a filter over column(s) 'day'"),
        in_dbt("Duplicate column names in the result are not supported. Found duplicate(s): id"),
        in_dbt("Required field id cannot be null"),
        in_dbt('Failed to parse input string "x"'),
        in_dbt("int64 overflow: 9223372036854775807 + 1"),
        in_dbt("Resources exceeded during query execution: Not enough resources for query planning."),
        in_dbt("Cannot replace a table with a different partitioning spec."),
        in_dbt("Too many partitions produced by query, allowed 4000, query produces at least 4001"),
        in_dbt("Error while reading data: CSV processing encountered too many errors, giving up."),
    ],
)
def test_what_will_fail_again_is_not(message: str) -> None:
    assert not diagnosis.is_transient(message)


def test_a_failing_test_is_not_tried_again() -> None:
    assert not diagnosis.worth_retrying([node("unique_id", "fail", message="Got 1 result")])
    assert diagnosis.worth_retrying([node("a", "fail"), node("b", "error", message="503 GET x")])
    assert not diagnosis.worth_retrying([node("a", "error", message="Syntax error at [1:1]")])


@pytest.mark.parametrize(
    ("message", "grant"),
    [
        ("Access Denied: Project p: User does not have bigquery.jobs.create permission", "bigquery.jobUser"),
        (
            "Access Denied: Project p: User does not have bigquery.jobs.listAll permission",
            "bigquery.resourceViewer",
        ),
        (
            "Access Denied: Table p:d_raw.t: Permission bigquery.tables.getData denied",
            "roles/bigquery.dataViewer on the dataset d_raw",
        ),
        (
            "403 GET http://x: Access Denied: Table example.com:p:d.t: Permission bigquery.tables.get denied "
            "on table example.com:p:d.t (or it may not exist).",
            "roles/bigquery.dataEditor on the dataset d, or roles/bigquery.dataViewer if it reads. If that "
            "is none of the stack's datasets, name it in the setting `datasets` (dbt writes) or "
            "`readDatasets`",
        ),
        (
            "Access Denied: Dataset p:d: Permission bigquery.tables.create denied",
            "roles/bigquery.dataEditor on the dataset d",
        ),
        (
            "Access Denied: Project p: User does not have bigquery.datasets.get permission in project p.",
            "roles/bigquery.metadataViewer on the project, which the setting `projectMetadata: true` gives",
        ),
        ("Access Denied: Dataset p:d: no idea", "bigquery.dataEditor"),
    ],
)
def test_a_missing_grant_is_named(message: str, grant: str) -> None:
    assert grant in (diagnosis.missing_grant(message) or "")


def test_other_errors_name_no_grant() -> None:
    assert diagnosis.missing_grant("Syntax error at [1:1]") is None
    assert diagnosis.missing_grant(None) is None
