"""The flow `pipeline-dbt-complet` and its command line: `python -m flows.pipeline --target dev`."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact
from prefect.exceptions import TerminationSignal
from prefect.states import Cancelled, Failed

from flows.commands import command_line
from flows.commands.options import Options, from_parameters
from flows.engine import arguments, dbt_project
from flows.errors import DbtFailedError, NotSetUpError, PipelineError, UnreachableError, UsageError
from flows.observe import json_logs, metrics, redaction
from flows.observe.progress import Progress
from flows.observe.visible import Visible, shown
from flows.project import deps, set_up
from flows.report import artifact, summaries
from flows.run import ended, insides, own_run, steps, stopping
from flows.run.holding import deployment_lease, lock
from flows.run.node_runs import NodeRuns
from flows.target import names, prefect_api

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from uuid import UUID

    from prefect.client.schemas.objects import FlowRun

    from flows.engine.dbt_project import DbtProject
    from flows.engine.events import Watch
    from flows.engine.results import PipelineReport
    from flows.project.set_up import SetUp

# A worker imports this module before its engine begins the run.
insides.keep_deployment_leases(deployment_lease.kept)


@flow(
    name="pipeline-dbt-complet",
    persist_result=False,
    on_completion=[ended.prefect_knows],
    on_failure=[ended.prefect_knows],
)
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
    unit_tests: bool | None = None,
    freshness: bool | None = None,
    project_dir: str | None = None,
    build: bool = False,
    selector: str | None = None,
    threads: int | None = None,
    empty: bool = False,
    event_time_start: str | None = None,
    event_time_end: str | None = None,
) -> PipelineReport:
    """Build and test the tables of ``target`` with the identity and settings of its blocks in Prefect.

    The parameters are those of the command line, see docs/flow.md. ``select`` and ``exclude`` are dbt's
    criteria, separated by spaces; ``vars`` are variables of the dbt project; ``resume`` goes on where the
    last run of the target stopped; ``wait_seconds`` is how long to wait while another run holds the target;
    ``seeds``, ``snapshots``, ``unit_tests`` and ``freshness`` switch parts of the run, None as the stack's
    settings say; ``project_dir`` is the dbt project's directory, None as DBT_PROJECT_DIR or the stack says;
    ``build`` tests each node before what reads it is built; the others are dbt's own options.

    Returns ``{"target", "run", "test"}``, and "freshness" where that is on; `flows.engine.results.StepResult`
    describes all but the first. Raises DbtFailedError, with the same report, if dbt failed; UsageError for an
    impossible target or parameter; NotSetUpError for a missing block, dataset, key or grant;
    UnreachableError if Prefect or BigQuery does not answer; BusyError if another run holds the target;
    StoppedError if it was stopped from elsewhere.
    """
    end: Any
    run = _this_run()
    if _supervised(run) and run.parent_task_run_id is None:
        dbt_project.nothing_else_runs()  # Prefect has started a process for it
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
            unit_tests=unit_tests,
            freshness=freshness,
            build=build,
            selector=selector,
            threads=threads,
            empty=empty,
            event_time_start=event_time_start,
            event_time_end=event_time_end,
        )
        end = run_pipeline(target, project_dir, options)
        own_run.note(end)
    except PipelineError as error:
        own_run.note(error)
        # Prefect raises the error for the caller; its own log shows the message without a traceback.
        end = Failed(message=redaction.redactor()(str(error)), data=error)
    except TerminationSignal:
        why = stopping.asked()
        if why is None:
            raise
        own_run.note(why)
        end = Cancelled(message=str(why), data=why)
    except Exception as error:
        # As Prefect does, but that what it says may quote an address with a password in it.
        get_run_logger().exception("Encountered exception during execution: %r", error)
        said = f"Flow run encountered an exception: {type(error).__name__}: {error}"
        end = Failed(message=redaction.redactor()(said), data=error)
    if _supervised(run):
        ended.wait_for_prefect(run.id, get_run_logger().warning)
    return end  # type: ignore[no-any-return]


def run_pipeline(
    target: str, project_dir: str | None = None, options: Options | None = None
) -> PipelineReport:
    """Do the flow's work on one dbt project. Must be called within a flow."""
    if json_logs.wanted():
        json_logs.install()
    began = time.monotonic()
    found = set_up.load(target, project_dir)
    redaction.blank_logs(found.profile.secrets.values())
    options = (options or Options()).with_switches(found.document, names.dbt_cli_profile(target))
    log = get_run_logger().log
    watch = Visible([NodeRuns(), Progress()], log)
    with alone(target, found.project_dir, options) as run, opened(found, options, watch) as project:
        report = steps.build_and_test(project)
        done = (report.get("freshness"), report["run"], report["test"])
        failed = any(step is not None and step["status"] == "failed" for step in done)
        if not failed:
            project.finish()
        kept = arguments.target_path(found.project_dir, target)
        keep = partial(ended.keep, kept, run.id, summaries.headline(report), well=not failed)
        shown("the note of its end for the next run", keep, log)
    seconds = time.monotonic() - began
    shown("the report's page", lambda: _publish(report, artifact.extras(report, project, log)), log)
    shown("metrics", lambda: metrics.export(report, seconds, log, failed=failed), log)
    if failed:
        raise DbtFailedError(summaries.headline(report), report)
    return report


@contextmanager
def opened(found: SetUp, options: Options, watch: Watch | None = None) -> Iterator[DbtProject]:
    """Open the dbt project, with its packages installed."""
    deps.install(found.project_dir, found.profile.environment, options.variables, get_run_logger().log)
    with dbt_project.open_project(found.profile, found.project_dir, options, watch) as project:
        yield project


@contextmanager
def alone(target: str, project_dir: Path, options: Options) -> Iterator[FlowRun]:
    """Hold the target for this flow run, which is yielded, and stop when it is cancelled in Prefect."""
    run = _this_run()
    kept = arguments.target_path(project_dir, target)
    say = get_run_logger().warning
    with (
        stopping.cancellable(run.id, supervised=_supervised(run)),
        lock.hold(target, kept, run.id, options.wait_seconds, say),
    ):
        yield run


def _this_run() -> FlowRun:
    run = insides.current_flow_run()
    if run is None:
        raise RuntimeError("a pipeline runs within a flow")
    return run


def _supervised(run: FlowRun) -> bool:
    """Say whether a worker, or the like, has started the run, and not the command line."""
    return run.deployment_id is not None


def _publish(report: PipelineReport, extras: summaries.Extras) -> None:
    """Keep the report on Prefect's artifact page."""
    create_markdown_artifact(
        summaries.markdown(report, extras),
        key=names.slot(report["target"]),
        description=summaries.headline(report),
    )


def _run(own: own_run.OwnRun, target: str, parameters: dict[str, Any]) -> None:
    """Run the flow, and see to it that what Prefect shows of it is true. Raises what failed."""
    # Ahead of the flow: what is not set up leaves no failed run behind.
    found = set_up.load(target, parameters.get("project_dir"))
    directory = arguments.target_path(found.project_dir, target)
    failure: Any = None
    try:
        state = own.execute(dbt_full_pipeline, {"target": target, **parameters}, directory)
        if own.outcome is None:
            failure = state.result(raise_on_failure=False)
    except prefect_api.LOST as error:
        failure = error
    if own.outcome is None and prefect_api.lost(failure):
        # Prefect was lost before the work began.
        own.outcome = prefect_api.failure(failure, "a flow run")
        own.outcome.__cause__ = failure
        if isinstance(own.outcome, NotSetUpError):
            raise own.outcome  # it would not be told of an end, either
    end: Any = own.outcome or failure
    failed = isinstance(end, BaseException)
    settled = own.settle(redaction.redactor()(str(end)) if failed else summaries.headline(end))
    if not settled and own.report:
        raise UnreachableError(
            f"dbt has ended, and its report is true, but Prefect at {prefect_api.address()} cannot be told: "
            f"its flow run {own.run_id} may stay Running. The next run of the target on this machine tells "
            f"it, or `prefect flow-run cancel {own.run_id}` ends it."
        )
    if failed:
        raise end


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    argv = sys.argv[1:] if argv is None else argv
    try:
        given = command_line.parser().parse_args(argv)
    except UsageError as error:
        return command_line.tell(command_line.answers(argv), error=error)
    if given.log_format == "json":
        json_logs.install()
    redaction.blank_logs()
    dbt_project.nothing_else_runs()
    failure: BaseException | None = None
    with own_run.followed() as own:
        try:
            with command_line.stdout_for(given), stopping.sigterm_raises():
                _run(own, given.target, command_line.parameters(given))
        except (Exception, KeyboardInterrupt, stopping.TerminatedError) as error:
            failure = error
    return command_line.tell(given, own.report, failure, _page(own.run_id))


def _page(flow_run_id: UUID | None) -> str | None:
    """Return the address of Prefect's page about a flow run."""
    url = insides.page(flow_run_id) if flow_run_id else None
    return url and redaction.without_user_info(url)


if __name__ == "__main__":
    sys.exit(main())
