"""What a retry of a task does again, and what it does not."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, cast

import pytest
from prefect import flow
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.engine.results import StepResult, step_result
from flows.errors import DbtError
from flows.run import steps
from tests.flows.conftest import Platform, run
from tests.flows.documents import node

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flows.engine.dbt_project import DbtProject, Log

pytestmark = pytest.mark.real

GOOD = step_result([node("a"), node("b")], 1.0)
BUSY = step_result([node("a"), node("b", "error", message="503 POST https://x: Backend error")], 1.0)
WRONG = step_result([node("a"), node("b", "error", message="Syntax error at [1:1]")], 1.0)


class FakeProject:
    """A dbt project that gives one prepared result, or error, for each attempt."""

    def __init__(self, *outcomes: StepResult | DbtError) -> None:
        self.outcomes = list(outcomes)
        self.attempts = 0

    def run(self, _log: Log) -> StepResult:
        self.attempts += 1
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, DbtError):
            raise outcome
        return outcome


@pytest.fixture
def connected(platform: Platform) -> Iterator[Platform]:
    with temporary_settings({PREFECT_API_URL: platform.prefect}):
        yield platform


def attempts(*outcomes: StepResult | DbtError) -> tuple[str, int]:
    """Run the task `dbt-run` without its pause; return its final state and how often it was tried."""
    project = FakeProject(*outcomes)

    @flow(name="retries")
    def retries() -> str:
        task = steps.dbt_run.with_options(retry_delay_seconds=0)
        state: Any = task(cast("DbtProject", project), return_state=True)
        return str(state.name)

    return retries(), project.attempts


@pytest.mark.usefixtures("connected")
def test_what_may_pass_is_tried_three_times() -> None:
    assert attempts(BUSY, BUSY, GOOD) == ("Completed", 3)
    assert attempts(BUSY, BUSY, BUSY, GOOD) == ("Failed", 3)
    assert attempts(DbtError("lost", transient=True), GOOD) == ("Completed", 2)


@pytest.mark.usefixtures("connected")
def test_what_will_fail_again_is_tried_once() -> None:
    assert attempts(WRONG, GOOD) == ("Failed", 1)
    assert attempts(DbtError("does not parse"), GOOD) == ("Failed", 1)


BUSY_SQL = """
where if((select still from demo_flights_tiny.busy), error('Exceeded rate limits: too many'), true)
"""


def test_a_second_attempt_runs_only_what_may_succeed(platform: Platform, project: Path) -> None:
    greetings = project / "models" / "greetings.sql"
    greetings.write_text(greetings.read_text() + BUSY_SQL)
    (project / "models" / "wrong.sql").write_text("select cast(name as int64) as n from {{ ref('people') }}")
    (project / "models" / "below_wrong.sql").write_text(
        "select n from {{ ref('wrong') }}, {{ ref('greetings') }}"
    )
    done = run([sys.executable, "-m", "tests.flows.run_twice", str(project)], platform.environment())
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert told["first"]["counts"] == {"error": 2, "skipped": 2, "success": 2}
    assert "stopped" in told["stopped"]
    assert told["last"]["counts"] == {"error": 1, "skipped": 1, "success": 4}
    # Neither what had succeeded nor what failed for good, though dbt itself had stopped in between.
    started = [line for line in told["lines"] if "START" in line]
    assert len(started) == 2
    assert "greetings" in started[0]
    assert "lengths" in started[1]
