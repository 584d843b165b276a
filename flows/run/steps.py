"""The tasks of the flow, each one dbt command: freshness, run, test."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.states import Failed

from flows.engine import diagnosis, results
from flows.errors import DbtError, NotSetUpError, NotYetError, PipelineError
from flows.observe import redaction
from flows.project import access
from flows.target import blocks, warehouse
from flows.target import dbt_profile as profile

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefect.client.schemas.objects import State

    from flows.engine.dbt_project import DbtProject, Log
    from flows.engine.results import PipelineReport, StepResult
    from flows.target.dbt_profile import DbtProfile


class _StepFailedError(Exception):
    """Carries the results of a failed task to `retry_condition_fn` and to the flow."""

    def __init__(self, step: StepResult) -> None:
        hooks = sum(node["kind"] == results.HOOK for node in step["failed"])
        nodes = f"{len(step['failed']) - hooks} of {len(step['nodes'])} nodes"
        super().__init__(
            f"{nodes} failed" + (f", and {hooks} of {len(step['hooks'])} hooks" if hooks else "")
        )
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
    return _attempt(project, project.freshness)


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


@task(
    name="dbt-build",
    retries=2,
    retry_delay_seconds=30,
    retry_condition_fn=_may_pass_later,
    cache_policy=NO_CACHE,
    persist_result=False,
)
def dbt_build(project: DbtProject) -> StepResult | State[Any]:
    """Build everything, each node tested before what reads it. A retry runs only what is missing."""
    return _attempt(project, project.build)


def load_profile(target: str) -> DbtProfile:
    """Return the dbt profile that the target's blocks hold now. Raises NotSetUpError or UnreachableError."""
    return profile.from_document(blocks.load_dbt_cli_profile(target), target)


def build_and_test(project: DbtProject) -> PipelineReport:
    """Run the tasks one after the other, none after one that failed. Raises PipelineError, not for dbt's."""
    target = project.profile.target
    freshness, test = None, None
    try:
        # BigQuery is asked while dbt is being imported and reads the project.
        with ThreadPoolExecutor(max_workers=1) as background:
            answer = background.submit(warehouse.check, project.profile)
            project.parse(get_run_logger().log)
            _checked(answer, project)
        project.check_selection()
        project.check_access()
    except DbtError as error:
        if unset := access.unset_variable(str(error), target):
            raise unset from error
        run = results.not_run("failed", str(error))
    else:
        if project.options.freshness:
            freshness = _outcome(dbt_freshness(project, return_state=True))
        if freshness and freshness["status"] == "failed":
            stale = any(node["kind"] == "source" for node in freshness["failed"])
            why = "the sources are not fresh" if stale else "dbt-freshness failed"
            run = results.not_run("skipped", f"not run, because {why}")
        elif project.options.build:
            run, test = results.parted(_outcome(dbt_build(project, return_state=True)))
        else:
            run = _outcome(dbt_run(project, return_state=True))
    test = test or _tested(project, run)
    if freshness:
        return {"target": target, "freshness": freshness, "run": run, "test": test}
    return {"target": target, "run": run, "test": test}


def _tested(project: DbtProject, run: StepResult) -> StepResult:
    if run["status"] == "success":
        return _outcome(dbt_test(project, return_state=True))
    why = "dbt-run " + ("failed" if run["status"] == "failed" else "was not run")
    return results.not_run("skipped", f"not run, because {why}")


def _checked(answer: Future[None], project: DbtProject) -> None:
    check: Callable[[], None] = answer.result
    while True:
        try:
            return check()
        except NotSetUpError as error:
            # The key may have been rotated since the block was read, and again since then.
            if not _renewed(project):
                if isinstance(error, NotYetError):
                    return warehouse.wait_for_grants(project.profile, error, get_run_logger().warning)
                raise
            check = partial(warehouse.check, project.profile)


def _renewed(project: DbtProject) -> bool:
    """Read the blocks again; False where they say what they said before."""
    fresh = load_profile(project.profile.target)
    if fresh == project.profile:
        return False
    redaction.blank_logs(fresh.secrets.values())
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
        return results.stopped(value.earlier, str(value))
    if isinstance(value, BaseException):
        raise value
    step: StepResult = value
    return step
