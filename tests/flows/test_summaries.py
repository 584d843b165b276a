from __future__ import annotations

from flows.engine.results import not_run, step_result
from flows.report import summaries
from tests.flows.documents import node, report

DENIED = "Database Error in model a\n  Access Denied: User does not have bigquery.jobs.create permission"


def test_a_good_run_in_one_line() -> None:
    assert summaries.headline(report()) == "target dev: 1 node built in 1.5 s, 1 test passed in 0.5 s"


def test_failing_tests_are_named() -> None:
    tests = [node("unique_id", "fail", kind="test", failures=2), node("ok", "pass", kind="test")]
    failed = report(test=step_result(tests, 1.0))
    assert summaries.headline(failed) == "dbt-test failed: 1 of 2: unique_id (2 rows)"
    assert "fail test unique_id: no message" in summaries.summary(failed)


def test_many_failures_are_counted() -> None:
    failed = report(run=step_result([node(f"m{i}", "error") for i in range(8)], 1.0))
    assert summaries.headline(failed).endswith("m4 and 3 more")
    assert all(f"error model m{i}" in summaries.summary(failed) for i in range(8))


def test_warnings_are_counted() -> None:
    warned = report(test=step_result([node("a", "warn"), node("b", "pass")], 1.0))
    assert summaries.headline(warned).endswith("1 test passed in 1.0 s, 1 warned")
    assert "## Warnings" in summaries.markdown(warned)


def test_summary_shows_both_tasks_and_the_page() -> None:
    stopped = report(run=not_run("failed", "dbt parse stopped"), test=not_run("skipped", "not run"))
    assert summaries.summary(stopped, "http://page").splitlines() == [
        "target dev",
        "  dbt-run   failed   dbt parse stopped",
        "  dbt-test  skipped  not run",
        "  http://page",
    ]


def test_a_missing_grant_is_named_with_dbts_message() -> None:
    denied = report(run=step_result([node("a", "error", message=DENIED)], 1.0))
    for text in (summaries.summary(denied), summaries.markdown(denied)):
        assert "bigquery.jobs.create" in text
        assert "roles/bigquery.jobUser on the project" in text
        assert "pulumi up -s dev" in text


def test_markdown_tells_what_failed_what_was_skipped_and_what_was_slow() -> None:
    nodes = [
        node("a", "error", message="Syntax error | at [1:1]"),
        node("b", "skipped", seconds=0.0),
        node("c", seconds=9.0, rows=336776, bytes_billed=10 * 1024 * 1024),
    ]
    text = summaries.markdown(report(run=step_result(nodes, 10.0)))
    assert (
        text.index("## Failed") < text.index("## Skipped") < text.index("## Slowest") < text.index("## Built")
    )
    assert "| `c` | model | success | 9.00 | 336,776 |  | 10.0 MiB |" in text
    assert text.index("| `c`") < text.index("| `a`", text.index("## Slowest"))


def test_nothing_to_do_is_a_report_too() -> None:
    empty = report(run=step_result([], 0.1), test=step_result([], 0.1))
    assert "nothing to do" in summaries.summary(empty)
    assert "## Slowest" not in summaries.markdown(empty)
