"""The flow `pipeline-dbt-complet` and its command line: `python -m flows.pipeline --target dev`."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact
from prefect.context import FlowRunContext
from prefect.exceptions import PrefectHTTPStatusError
from prefect.runtime import flow_run
from prefect.states import Failed
from prefect.utilities.urls import url_for

from flows import (
    artifact,
    blocks,
    command_line,
    dbt_args,
    dbt_runner,
    json_logs,
    lock,
    metrics,
    names,
    profile,
    record,
    reporting,
    steps,
    stopping,
)
from flows.errors import DbtFailedError, PipelineError, UnreachableError
from flows.node_runs import NodeRuns
from flows.options import Options, from_parameters
from flows.progress import Progress
from flows.visible import Visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from flows.results import PipelineReport

PROJECT_DIR = names.PROJECT_ROOT / "dbt"


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
    record.note(run_id=flow_run.id)
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
        report = run_pipeline(target, PROJECT_DIR, options)
    except PipelineError as error:
        record.note(outcome=error)
        # Prefect raises the error for the caller; its own log shows the message without a traceback.
        return Failed(message=str(error), data=error)  # type: ignore[return-value]
    record.note(outcome=report)
    return report


def run_pipeline(target: str, project_dir: Path, options: Options | None = None) -> PipelineReport:
    """Do the flow's work on the dbt project in ``project_dir``. Must be called within a flow."""
    if json_logs.wanted():
        json_logs.install()
    began = time.monotonic()
    document = blocks.load_dbt_cli_profile(target)
    dbt_profile = profile.from_document(document, target)
    options = (options or Options()).with_switches(document, names.dbt_cli_profile(target))
    watch = Visible([NodeRuns(), Progress()], get_run_logger().log)
    with (
        _alone(target, project_dir, options),
        dbt_runner.open_project(dbt_profile, project_dir, options, watch) as project,
    ):
        report = steps.build_and_test(project)
        done = (report.get("freshness"), report["run"], report["test"])
        failed = any(step is not None and step["status"] == "failed" for step in done)
        if not failed:
            project.finish()
    _publish(report, artifact.extras(report, project))
    metrics.export(report, time.monotonic() - began, get_run_logger().log)
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


def _run(target: str, parameters: dict[str, Any]) -> tuple[PipelineReport | DbtFailedError, str | None]:
    """Run the flow; return its report, and the address of Prefect's page about it."""
    # Ahead of the flow: what is not set up leaves no failed run behind.
    steps.load_profile(target)
    with record.kept() as kept:
        failure: Any = None
        try:
            state = dbt_full_pipeline(target, **parameters, return_state=True)
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
    url = url_for("flow-run", obj_id=kept.run_id)
    if not settled:
        print(reporting.summary(report, url))
        raise UnreachableError(
            f"dbt has ended as told above, but Prefect at {blocks.api_url()} cannot be told: its flow run "
            f"{kept.run_id} may stay Running. `prefect flow-run cancel {kept.run_id}` ends it."
        )
    return value, url


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    given = command_line.parser().parse_args(argv)
    if given.log_format == "json":
        json_logs.install()
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
