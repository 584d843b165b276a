"""Run a macro of the dbt project, as the target's dbt: `python -m flows.operation --target dev MACRO`."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from prefect import flow, get_run_logger
from prefect.exceptions import TerminationSignal
from prefect.states import Cancelled, Completed, Failed

from flows import pipeline
from flows.commands import command_line, options
from flows.errors import PipelineError
from flows.observe import redaction
from flows.project import set_up
from flows.run import stopping

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefect.client.schemas.objects import State


@flow(name="dbt-operation", persist_result=False)
def dbt_operation(
    macro: str,
    target: str = "dev",
    args: dict[str, Any] | None = None,
    vars: dict[str, Any] | None = None,  # noqa: A002 - dbt's own word
    wait_seconds: float = 0.0,
    project_dir: str | None = None,
) -> State[None]:
    """Run ``macro`` with ``args`` on the identity and settings of the target's blocks.

    It holds the target as a run of the pipeline does: both may write its tables. Raises DbtError if the macro
    fails, and else as the pipeline does.
    """
    try:
        asked = options.from_parameters(variables=vars, wait_seconds=wait_seconds)
        found = set_up.load(target, project_dir)
        redaction.blank_logs(found.profile.secrets.values())
        with pipeline.alone(target, found.project_dir, asked), pipeline.opened(found, asked) as project:
            project.operation(macro, options.canonical(args or {}), get_run_logger().log)
    except PipelineError as error:
        return Failed(message=redaction.redactor()(str(error)), data=error)
    except TerminationSignal:
        why = stopping.asked()
        if why is None:
            raise
        return Cancelled(message=str(why), data=why)
    return Completed(message=f"{macro} has run on {target}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m flows.operation",
        description="Run a macro of the dbt project (dbt's run-operation), recorded by Prefect.",
        epilog=command_line.EXIT_CODES,
    )
    parser.add_argument("macro", metavar="MACRO", help="the macro's name; one of a package as package.macro")
    command_line.add_target(parser)
    command_line.add_project_dir(parser)
    parser.add_argument("--args", metavar="YAML", help="its arguments, as in '{number: 3}'")
    parser.add_argument("--vars", metavar="YAML", help="variables of the dbt project")
    parser.add_argument(
        "--wait", type=float, default=0.0, metavar="SECONDS", help="how long to wait for a run of this target"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    given = _parser().parse_args(argv)

    def work() -> int:
        args = options.parse_vars(given.args or "", "--args")
        variables = options.parse_vars(given.vars or "")
        options.from_parameters(variables=variables, wait_seconds=given.wait)
        set_up.load(given.target, given.project_dir)
        with stopping.sigterm_raises():
            state = dbt_operation(
                given.macro,
                target=given.target,
                args=args,
                vars=variables,
                wait_seconds=given.wait,
                project_dir=given.project_dir,
                return_state=True,
            )
        failure = state.result(raise_on_failure=False)
        if isinstance(failure, BaseException):
            raise failure
        return 0

    redaction.blank_logs()
    return command_line.exit_code(work)


if __name__ == "__main__":
    sys.exit(main())
