"""The flow `pipeline-dbt-complet` and its command line: `python -m flows.pipeline --target dev`."""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.exceptions import PrefectHTTPStatusError
from prefect.runtime import flow_run
from prefect.states import Failed
from prefect.utilities.urls import url_for

from flows import (
    artifact,
    blocks,
    dbt_runner,
    diagnosis,
    json_logs,
    metrics,
    names,
    profile,
    record,
    reporting,
    results,
    warehouse,
)
from flows.errors import DbtError, DbtFailedError, NotSetUpError, PipelineError, UnreachableError
from flows.node_runs import NodeRuns
from flows.progress import Progress
from flows.visible import Visible

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from prefect.client.schemas.objects import State

    from flows.dbt_runner import DbtProject, Log
    from flows.profile import DbtProfile
    from flows.results import PipelineReport, StepResult

PROJECT_DIR = names.PROJECT_ROOT / "dbt"


class _StepFailedError(Exception):
    """Carries the results of a failed task to `retry_condition_fn` and to the flow."""

    def __init__(self, step: StepResult) -> None:
        super().__init__(f"{len(step['failed'])} of {len(step['nodes'])} nodes failed")
        self.step = step


def _may_pass_later(_task: Any, _run: Any, state: State[Any]) -> bool:
    """Prefect asks this before a retry. An error in the SQL, or a test that found bad rows, will not pass."""
    failure = state.data
    if isinstance(failure, _StepFailedError):
        return diagnosis.worth_retrying(failure.step["failed"])
    return failure.transient if isinstance(failure, DbtError) else not isinstance(failure, PipelineError)


@task(
    name="dbt-run",
    retries=2,
    retry_delay_seconds=30,
    retry_condition_fn=_may_pass_later,
    cache_policy=NO_CACHE,
    persist_result=False,
)
def dbt_run(project: DbtProject) -> StepResult | State[Any]:
    """Build seeds, models and snapshots in the order of the graph. A retry builds only what is missing."""
    return _attempt(project, project.run)


@task(
    name="dbt-test",
    retries=1,
    retry_condition_fn=_may_pass_later,
    cache_policy=NO_CACHE,
    persist_result=False,
)
def dbt_test(project: DbtProject) -> StepResult | State[Any]:
    """Run all tests. A retry runs only those that BigQuery did not answer."""
    return _attempt(project, project.test)


@flow(name="pipeline-dbt-complet", persist_result=False)
def dbt_full_pipeline(target: str = "dev") -> PipelineReport:
    """Build and test every table of ``target`` with the identity and settings of its blocks in Prefect.

    Returns ``{"target", "run", "test"}``; `flows.results.StepResult` describes the last two. Raises
    DbtFailedError, with the same report, if dbt failed; UsageError for an impossible target; NotSetUpError
    for a missing block, dataset, key or grant; UnreachableError if Prefect or BigQuery does not answer.
    """
    record.note(run_id=flow_run.id)
    try:
        report = run_pipeline(target, PROJECT_DIR)
    except PipelineError as error:
        record.note(outcome=error)
        # Prefect raises the error for the caller; its own log shows the message without a traceback.
        return Failed(message=str(error), data=error)  # type: ignore[return-value]
    record.note(outcome=report)
    return report


def run_pipeline(target: str, project_dir: Path) -> PipelineReport:
    """Do the flow's work on the dbt project in ``project_dir``. Must be called within a flow."""
    if json_logs.wanted():
        json_logs.install()
    began = time.monotonic()
    dbt_profile = _load_profile(target)
    with dbt_runner.open_project(dbt_profile, project_dir, _visible()) as project:
        report = _build_and_test(project)
    _publish(report, artifact.extras(report, project))
    metrics.export(report, time.monotonic() - began, get_run_logger().log)
    if "failed" in {report["run"]["status"], report["test"]["status"]}:
        raise DbtFailedError(reporting.headline(report), report)
    return report


def _visible() -> Visible:
    return Visible([NodeRuns(), Progress()], get_run_logger().log)


def _load_profile(target: str) -> DbtProfile:
    return profile.from_document(blocks.load_dbt_cli_profile(target), target)


def _build_and_test(project: DbtProject) -> PipelineReport:
    target = project.profile.target
    try:
        # BigQuery is asked while dbt is being imported and reads the project.
        with ThreadPoolExecutor(max_workers=1) as background:
            answer = background.submit(warehouse.check, project.profile)
            project.parse(get_run_logger().log)
            _checked(answer, project)
    except DbtError as error:
        run = results.not_run("failed", str(error))
    else:
        run = _outcome(dbt_run(project, return_state=True))
    if run["status"] == "failed":
        test = results.not_run("skipped", "not run, because dbt-run failed")
    else:
        test = _outcome(dbt_test(project, return_state=True))
    return {"target": target, "run": run, "test": test}


def _checked(answer: Future[None], project: DbtProject) -> None:
    try:
        answer.result()
    except NotSetUpError:
        # The key may have been rotated since the block was read.
        if not _renewed(project):
            raise
        warehouse.check(project.profile)


def _renewed(project: DbtProject) -> bool:
    """Read the blocks again; False where they say what they said before."""
    fresh = _load_profile(project.profile.target)
    if fresh == project.profile:
        return False
    get_run_logger().info("the key in the blocks has changed meanwhile: going on with the new one")
    project.renew(fresh)
    return True


def _attempt(project: DbtProject, work: Callable[[Log], StepResult]) -> StepResult | State[Any]:
    """Run one dbt command in a task. A failure becomes a failed state, so that Prefect logs no traceback.

    A key that was rotated while the flow ran is no failure: the command goes on with the new one.
    """
    try:
        step = work(get_run_logger().log)
    except DbtError as error:
        if diagnosis.key_refused(str(error)) and _renewed(project):
            return _attempt(project, work)
        return Failed(message=str(error), data=error)
    if any(diagnosis.key_refused(node["message"]) for node in step["failed"]) and _renewed(project):
        return _attempt(project, work)
    if step["status"] == "failed":
        failure = _StepFailedError(step)
        return Failed(message=str(failure), data=failure)
    return step


def _outcome(state: State[Any]) -> StepResult:
    value = state.result(raise_on_failure=False)
    if isinstance(value, _StepFailedError):
        return value.step
    if isinstance(value, DbtError):
        return results.not_run("failed", str(value))
    if isinstance(value, BaseException):
        raise value
    step: StepResult = value
    return step


def _publish(report: PipelineReport, extras: reporting.Extras) -> None:
    """Keep the report on Prefect's artifact page. The tables stand, even if this cannot be stored."""
    try:
        create_markdown_artifact(
            reporting.markdown(report, extras),
            key=f"dbt-{report['target']}",
            description=reporting.headline(report),
        )
    except (httpx.HTTPError, PrefectHTTPStatusError) as error:
        get_run_logger().warning("the report could not be stored as an artifact: %s", error)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m flows.pipeline",
        description="Build and test all tables of a target: dbt on BigQuery, recorded by Prefect.",
        epilog="exit codes: 0 all is well, 1 dbt failed, 2 wrong usage, 3 not set up "
        "(`pulumi up -s TARGET`), 4 Prefect or BigQuery does not answer, 130 interrupted",
    )
    parser.add_argument(
        "--target", default="dev", help="name of the Pulumi stack whose blocks to use (default: %(default)s)"
    )
    parser.add_argument("--log-format", **json_logs.OPTION)
    return parser


def _run(target: str) -> int:
    # Ahead of the flow: what is not set up leaves no failed run behind.
    _load_profile(target)
    with record.kept() as kept:
        failure: Any = None
        try:
            state = dbt_full_pipeline(target, return_state=True)
            if kept.outcome is None:
                failure = state.result(raise_on_failure=False)
        except record.LOST as error:
            failure = error
        if kept.outcome is None and isinstance(failure, record.LOST):
            # Prefect was lost before the work began.
            kept.outcome = blocks.unreachable(blocks.api_url())
            kept.outcome.__cause__ = failure
        value: Any = kept.outcome or failure
        report = value.report if isinstance(value, DbtFailedError) else value
        message = str(report) if isinstance(report, BaseException) else reporting.headline(report)
        settled = kept.settle(message)
    if isinstance(report, BaseException):
        raise report
    print(reporting.summary(report, url_for("flow-run", obj_id=kept.run_id)))
    if not settled:
        raise UnreachableError(
            f"dbt has ended as told above, but Prefect at {blocks.api_url()} cannot be told: its flow run "
            f"{kept.run_id} may stay Running. `prefect flow-run cancel {kept.run_id}` ends it."
        )
    return value.exit_code if isinstance(value, DbtFailedError) else 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    options = _parser().parse_args(argv)
    if options.log_format == "json":
        json_logs.install()
    try:
        return _run(options.target)
    except PipelineError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("error: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
