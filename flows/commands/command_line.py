"""The options of `python -m flows.pipeline`, its answer to a machine, and what all commands share."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import contextmanager, nullcontext, redirect_stdout
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NoReturn

from prefect.logging import get_logger

from flows.commands import options
from flows.errors import DbtFailedError, PipelineError, UsageError
from flows.observe import json_logs
from flows.observe.redaction import redactor
from flows.report import summaries
from flows.run import stopping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from flows.engine.results import PipelineReport

UNEXPECTED = 70  # EX_SOFTWARE in sysexits.h
INTERRUPTED = 130
EXIT_CODES = (
    "exit codes: 0 all is well, 1 dbt failed, 2 wrong usage, 3 not set up (`pulumi up -s TARGET`), "
    "4 Prefect or BigQuery does not answer, 5 another run holds the target, 70 a mistake in this program, "
    "130 interrupted, 143 terminated"
)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Leave it to `tell` how to say what is wrong."""
        raise UsageError(f"{message}. `{self.prog} --help` shows the options.")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line. It raises UsageError."""
    made = _Parser(
        prog="python -m flows.pipeline",
        description="Build and test the tables of a target: dbt on BigQuery, recorded by Prefect.",
        epilog=EXIT_CODES,
        allow_abbrev=False,
    )
    add_target(made)
    add_project_dir(made)
    chosen = made.add_argument_group("what runs")
    for name, verb in (("--select", "run only"), ("--exclude", "leave out")):
        chosen.add_argument(
            name, nargs="+", action="extend", metavar="NODE", help=f"{verb} what these criteria of dbt match"
        )
    chosen.add_argument(
        "--selector", metavar="NAME", help="run only what this selector of selectors.yml matches"
    )
    chosen.add_argument(
        "--full-refresh", action="store_true", help="build incremental models and seeds from scratch"
    )
    chosen.add_argument(
        "--vars", metavar="YAML", help="variables of the dbt project, as in '{late_after_minutes: 20}'"
    )
    chosen.add_argument(
        "--resume", action="store_true", help="run only what the last run of this target did not finish"
    )
    chosen.add_argument(
        "--build",
        action="store_true",
        help="test each node before what reads it is built, in the order of `dbt build`; a node that fails "
        "its tests goes no further",
    )
    chosen.add_argument(
        "--empty", action="store_true", help="build tables without rows: does all SQL work, at no cost?"
    )
    for name in ("--event-time-start", "--event-time-end"):
        chosen.add_argument(
            name, metavar="TIME", help="of the batches of microbatch models, as in 2026-01-31"
        )
    chosen.add_argument(
        "--threads", type=int, metavar="NUMBER", help="nodes at a time (default: the stack's setting)"
    )
    for name, what in (
        ("--seeds", "load the seeds"),
        ("--snapshots", "take the snapshots"),
        ("--unit-tests", "run dbt's unit tests"),
        ("--freshness", "first ask how old the sources are; a stale one stops the run"),
    ):
        chosen.add_argument(
            name,
            action=argparse.BooleanOptionalAction,
            help=f"{what}; unless given, the stack's setting",
        )
    made.add_argument(
        "--wait",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="how long to wait for another run of this target (default: not at all, exit code 5)",
    )
    made.add_argument(
        "--json", action="store_true", help="print the report as JSON on stdout, all else on stderr"
    )
    made.add_argument("--log-format", **json_logs.OPTION)
    return made


def add_target(parser: argparse.ArgumentParser) -> None:
    """Add the option that all commands have."""
    parser.add_argument(
        "--target", default="dev", help="name of the Pulumi stack whose blocks to use (default: %(default)s)"
    )


def add_project_dir(parser: argparse.ArgumentParser) -> None:
    """Add the option of the commands that work on a dbt project."""
    parser.add_argument(
        "--project-dir",
        metavar="DIRECTORY",
        help="directory of the dbt project (default: DBT_PROJECT_DIR, else as the stack says, else dbt/)",
    )


def exit_code(work: Callable[[], int]) -> int:
    """Do the work of a command and return its exit code; an error is told, not raised."""
    try:
        return work()
    except (Exception, KeyboardInterrupt) as error:
        said, code = failure(error)
        print(f"error: {said}", file=sys.stderr)
        return code


def failure(error: BaseException) -> tuple[str, int]:
    """Return what to say of an error, without secrets, and the exit code."""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted", INTERRUPTED
    if isinstance(error, stopping.TerminatedError):
        return "terminated", stopping.TERMINATED
    if isinstance(error, PipelineError):
        return redactor()(str(error)), error.exit_code
    get_logger("flows").debug("where it happened", exc_info=error)
    said = " ".join(f"unexpected {type(error).__name__}: {error}".split())
    return redactor()(f"{said} (PREFECT_LOGGING_LEVEL=DEBUG shows where)"), UNEXPECTED


def parameters(given: argparse.Namespace) -> dict[str, Any]:
    """Return the parameters of the flow that the command line asks for: those that are not the default.

    Raises UsageError for variables that are not YAML, or a selection that cannot be one.
    """
    asked = {
        "select": options.joined(given.select),
        "exclude": options.joined(given.exclude),
        "full_refresh": given.full_refresh,
        "variables": None if given.vars is None else options.parse_vars(given.vars),
        "resume": given.resume,
        "wait_seconds": given.wait,
        "seeds": given.seeds,
        "snapshots": given.snapshots,
        "unit_tests": given.unit_tests,
        "freshness": given.freshness,
        "build": given.build,
        "selector": given.selector,
        "threads": given.threads,
        "empty": given.empty,
        "event_time_start": given.event_time_start,
        "event_time_end": given.event_time_end,
    }
    options.from_parameters(**asked)
    asked["vars"] = asked.pop("variables")
    asked["project_dir"] = given.project_dir
    return {
        name: value for name, value in asked.items() if value or (name in options.SWITCHES and value is False)
    }


@contextmanager
def stdout_for(given: argparse.Namespace) -> Iterator[None]:
    """Send to stderr what anything prints meanwhile, if the command line asks for JSON."""
    with redirect_stdout(sys.stderr) if given.json else nullcontext():
        yield


def answers(argv: Sequence[str]) -> argparse.Namespace:
    """Return how to answer a command line that is wrong: the two options about it, wherever they stand."""
    logs = json_logs.wanted() or "--log-format=json" in argv or ("--log-format", "json") in pairwise(argv)
    return argparse.Namespace(json="--json" in argv, log_format="json" if logs else "text")


def tell(
    given: argparse.Namespace,
    report: PipelineReport | None = None,
    error: BaseException | None = None,
    url: str | None = None,
) -> int:
    """Tell how it ended, in the way that the command line asks for, and return the exit code.

    ``report`` is there if dbt has ended, ``url`` is Prefect's page if there is a flow run.
    """
    said, code = failure(error) if error else ("", 0)
    if isinstance(error, DbtFailedError):
        said = ""  # the report says it
    if report and not given.json:
        print(summaries.summary(report, url), flush=True)
    if said:
        line = json_logs.error_line(said) if given.log_format == "json" else f"error: {said}"
        print(line, file=sys.stderr)
    if given.json:
        answer = {**(report or {}), **({"error": said} if said else {}), "exit_code": code, "flow_run": url}
        print(json.dumps(answer, indent=2), flush=True)
    return code
