"""The flow `pipeline-dbt-complet` and its command line: `python -m flows.pipeline --target dev`."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.context import FlowRunContext
from prefect.exceptions import PrefectHTTPStatusError
from prefect.states import Failed
from prefect.utilities.urls import url_for

from flows import (
    blocks,
    command_line,
    dbt_args,
    dbt_runner,
    diagnosis,
    lock,
    names,
    profile,
    reporting,
    results,
    stopping,
    warehouse,
)
from flows.errors import DbtError, DbtFailedError, PipelineError
from flows.options import Options, from_parameters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
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
    name="dbt-freshness",
    retries=1,
    retry_condition_fn=_may_pass_later,
    cache_policy=NO_CACHE,
    persist_result=False,
)
def dbt_freshness(project: DbtProject) -> StepResult | State[Any]:
    """Ask how old the sources are. One that is older than its `error_after` fails."""
    return _attempt(project.freshness)


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
    return _attempt(project.run)


@task(
    name="dbt-test",
    retries=1,
    retry_condition_fn=_may_pass_later,
    cache_policy=NO_CACHE,
    persist_result=False,
)
def dbt_test(project: DbtProject) -> StepResult | State[Any]:
    """Run all tests. A retry runs only those that BigQuery did not answer."""
    return _attempt(project.test)


@flow(name="pipeline-dbt-complet", persist_result=False)
def dbt_full_pipeline(
    target: str = "dev",
    select: str | None = None,
    exclude: str | None = None,
    full_refresh: bool = False,
    vars: dict[str, Any] | None = None,  # noqa: A002 - dbt's own word
    resume: bool = False,
    wait_seconds: float = 0.0,
    seeds: bool | None = None,
    snapshots: bool | None = None,
    freshness: bool | None = None,
) -> PipelineReport:
    """Build and test the tables of ``target`` with the identity and settings of its blocks in Prefect.

    The parameters are those of the command line, see docs/flow.md. ``select`` and ``exclude`` are dbt's
    criteria, separated by spaces; ``vars`` are variables of the dbt project; ``resume`` goes on where the
    last run of the target stopped; ``wait_seconds`` is how long to wait while another run holds the target;
    ``seeds``, ``snapshots`` and ``freshness`` switch parts of the run, None as the stack's settings say.

    Returns ``{"target", "run", "test"}``, and "freshness" where that is on; `flows.results.StepResult`
    describes all but the first. Raises DbtFailedError, with the same report, if dbt failed; UsageError for an
    impossible target or parameter; NotSetUpError for a missing block, dataset, key or grant;
    UnreachableError if Prefect or BigQuery does not answer; BusyError if another run holds the target.
    """
    try:
        options = from_parameters(
            select=select,
            exclude=exclude,
            full_refresh=full_refresh,
            variables=vars,
            resume=resume,
            wait_seconds=wait_seconds,
            seeds=seeds,
            snapshots=snapshots,
            freshness=freshness,
        )
        return run_pipeline(target, PROJECT_DIR, options)
    except PipelineError as error:
        # Prefect raises the error for the caller; its own log shows the message without a traceback.
        return Failed(message=str(error), data=error)  # type: ignore[return-value]


def run_pipeline(target: str, project_dir: Path, options: Options | None = None) -> PipelineReport:
    """Do the flow's work on the dbt project in ``project_dir``. Must be called within a flow."""
    document = blocks.load_dbt_cli_profile(target)
    dbt_profile = profile.from_document(document, target)
    options = (options or Options()).with_switches(document, names.dbt_cli_profile(target))
    with (
        _alone(target, project_dir, options),
        dbt_runner.open_project(dbt_profile, project_dir, options) as project,
    ):
        report = _build_and_test(project)
        steps = (report.get("freshness"), report["run"], report["test"])
        failed = any(step is not None and step["status"] == "failed" for step in steps)
        if not failed:
            project.finish()
    _publish(report)
    if failed:
        raise DbtFailedError(reporting.headline(report), report)
    return report


@contextmanager
def _alone(target: str, project_dir: Path, options: Options) -> Iterator[None]:
    """Hold the target for this flow run, and stop when the run is cancelled in Prefect."""
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        raise RuntimeError("a pipeline runs within a flow")
    run = context.flow_run
    directory = dbt_args.target_path(project_dir.resolve(), target)
    say = get_run_logger().warning
    with (
        stopping.cancellable(run.id, supervised=run.deployment_id is not None),
        lock.hold(target, directory, run.id, options.wait_seconds, say),
    ):
        yield


def _load_profile(target: str) -> DbtProfile:
    return profile.from_document(blocks.load_dbt_cli_profile(target), target)


def _build_and_test(project: DbtProject) -> PipelineReport:
    target = project.profile.target
    freshness = None
    try:
        # BigQuery is asked while dbt is being imported and reads the project.
        with ThreadPoolExecutor(max_workers=1) as background:
            answer = background.submit(warehouse.check, project.profile)
            project.parse(get_run_logger().log)
            answer.result()
        project.check_selection()
    except DbtError as error:
        run = results.not_run("failed", str(error))
    else:
        if project.options.freshness:
            freshness = _outcome(dbt_freshness(project, return_state=True))
        if freshness and freshness["status"] == "failed":
            run = results.not_run("skipped", "not run, because the sources are not fresh")
        else:
            run = _outcome(dbt_run(project, return_state=True))
    if run["status"] != "success":
        test = results.not_run(
            "skipped",
            "not run, because dbt-run " + ("failed" if run["status"] == "failed" else "was not run"),
        )
    else:
        test = _outcome(dbt_test(project, return_state=True))
    if freshness:
        return {"target": target, "freshness": freshness, "run": run, "test": test}
    return {"target": target, "run": run, "test": test}


def _attempt(work: Callable[[Log], StepResult]) -> StepResult | State[Any]:
    """Run one dbt command in a task. A failure becomes a failed state, so that Prefect logs no traceback."""
    try:
        step = work(get_run_logger().log)
    except DbtError as error:
        return Failed(message=str(error), data=error)
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


def _publish(report: PipelineReport) -> None:
    """Keep the report on Prefect's artifact page. The tables stand, even if this cannot be stored."""
    try:
        create_markdown_artifact(
            reporting.markdown(report), key=f"dbt-{report['target']}", description=reporting.headline(report)
        )
    except (httpx.HTTPError, PrefectHTTPStatusError) as error:
        get_run_logger().warning("the report could not be stored as an artifact: %s", error)


def _run(target: str, parameters: dict[str, Any]) -> tuple[PipelineReport | DbtFailedError, str | None]:
    """Run the flow; return its report, and the address of Prefect's page about it."""
    # Ahead of the flow: what is not set up leaves no failed run behind.
    _load_profile(target)
    try:
        state = dbt_full_pipeline(target, **parameters, return_state=True)
    except httpx.TransportError as error:
        raise blocks.unreachable(blocks.api_url()) from error
    value = state.result(raise_on_failure=False)
    if isinstance(value, BaseException) and not isinstance(value, DbtFailedError):
        raise value
    return value, url_for("flow-run", obj_id=state.state_details.flow_run_id)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    given = command_line.parser().parse_args(argv)
    try:
        with command_line.stdout_for(given), stopping.sigterm_raises():
            outcome, url = _run(given.target, command_line.parameters(given))
    except PipelineError as error:
        print(f"error: {error}", file=sys.stderr)
        if given.json:
            command_line.print_json(error)
        return error.exit_code
    except KeyboardInterrupt:
        print("error: interrupted", file=sys.stderr)
        return command_line.INTERRUPTED
    except stopping.TerminatedError:
        print("error: terminated", file=sys.stderr)
        return stopping.TERMINATED
    report = outcome.report if isinstance(outcome, DbtFailedError) else outcome
    if given.json:
        command_line.print_json(outcome, url)
    else:
        print(reporting.summary(report, url))
    return outcome.exit_code if isinstance(outcome, DbtFailedError) else 0


if __name__ == "__main__":
    sys.exit(main())
