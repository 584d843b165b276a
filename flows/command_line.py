"""The options of `python -m flows.pipeline`, its answer to a machine, and what all commands share."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import contextmanager, nullcontext, redirect_stdout
from typing import TYPE_CHECKING, Any

from flows import json_logs, options
from flows.errors import DbtFailedError, PipelineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flows.results import PipelineReport

INTERRUPTED = 130
EXIT_CODES = (
    "exit codes: 0 all is well, 1 dbt failed, 2 wrong usage, 3 not set up (`pulumi up -s TARGET`), "
    "4 Prefect or BigQuery does not answer, 5 another run holds the target, 130 interrupted, 143 terminated"
)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = argparse.ArgumentParser(
        prog="python -m flows.pipeline",
        description="Build and test the tables of a target: dbt on BigQuery, recorded by Prefect.",
        epilog=EXIT_CODES,
        allow_abbrev=False,
    )
    add_target(made)
    chosen = made.add_argument_group("what runs")
    for name, verb in (("--select", "run only"), ("--exclude", "leave out")):
        chosen.add_argument(
            name, nargs="+", action="extend", metavar="NODE", help=f"{verb} what these criteria of dbt match"
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
    for name, what in (
        ("--seeds", "load the seeds"),
        ("--snapshots", "take the snapshots"),
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


def exit_code(work: Callable[[], int]) -> int:
    """Do the work of a command and return its exit code; a PipelineError is told, not raised."""
    try:
        return work()
    except PipelineError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("error: interrupted", file=sys.stderr)
        return INTERRUPTED


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
        "freshness": given.freshness,
    }
    options.from_parameters(**asked)
    asked["vars"] = asked.pop("variables")
    return {
        name: value for name, value in asked.items() if value or (name in options.SWITCHES and value is False)
    }


@contextmanager
def stdout_for(given: argparse.Namespace) -> Iterator[None]:
    """Send to stderr what anything prints meanwhile, if the command line asks for JSON."""
    with redirect_stdout(sys.stderr) if given.json else nullcontext():
        yield


def print_json(outcome: PipelineReport | PipelineError, url: str | None = None) -> None:
    """Print one JSON object: the report and where Prefect shows it, or the error; and the exit code."""
    if isinstance(outcome, DbtFailedError):
        answer: dict[str, Any] = {**outcome.report, "exit_code": outcome.exit_code}
    elif isinstance(outcome, PipelineError):
        answer = {"error": str(outcome), "exit_code": outcome.exit_code}
    else:
        answer = {**outcome, "exit_code": 0}
    print(json.dumps({**answer, "flow_run": url}, indent=2), flush=True)
