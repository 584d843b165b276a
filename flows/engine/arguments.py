"""The arguments of dbt's command line. Pure functions, tested without dbt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from flows.commands.options import Options

if TYPE_CHECKING:
    from pathlib import Path

Command = Literal["parse", "list", "freshness", "run", "test", "build", "docs", "run-operation"]

# Of what `dbt build` takes: tests are a command of their own, and the others run nothing in a warehouse.
_NO_TABLES = ("test", "unit_test", "exposure", "saved_query")
# `dbt build` without tests runs seeds, models and snapshots in the order of the graph: whoever runs the flow
# wants every table fresh, and a snapshot between two models has to be taken between them.
_COMMANDS: dict[Command, tuple[str, ...]] = {
    # `run` writes manifest.json in any case, a second of work for each time.
    "parse": ("parse", "--no-write-json"),
    "list": (
        "list",
        "--no-write-json",
        "--output",
        "json",
        "--output-keys",
        "unique_id resource_type config",
    ),
    "freshness": ("source", "freshness"),
    "run": ("build", *(word for kind in _NO_TABLES for word in ("--exclude-resource-type", kind))),
    "test": ("test",),
    "build": (
        "build",
        *(word for kind in ("exposure", "saved_query") for word in ("--exclude-resource-type", kind)),
    ),
    "docs": ("docs", "generate"),
    "run-operation": ("run-operation",),
}


def target_path(project_dir: Path, target: str) -> Path:
    """Return the directory where dbt, and a run of the flow, keep what belongs to one target."""
    return project_dir / "target" / target


def docs_path(project_dir: Path, target: str) -> Path:
    """Return the directory of the documentation site of one target."""
    return target_path(project_dir, target) / "docs"


# What runs in a warehouse; a selection of sources or exposures alone runs nothing.
_RUN = ("model", "seed", "snapshot", "function", "test", "unit_test")


def of_command(
    command: Command,
    *,
    profile: str,
    target: str,
    project_dir: Path,
    profiles_dir: Path,
    options: Options | None = None,
) -> list[str]:
    """Return the arguments for one dbt command.

    dbt is always told the profile: DBT_PROFILE, or a project that names another, would lead it elsewhere.
    Target and logs of each environment have a directory of their own, so that dev and prod do not spoil each
    other's partial parse. dbt prints nothing: its events go to Prefect, its debug log into a file.
    """
    return [
        *_COMMANDS[command],
        *_chosen(command, options or Options()),
        *("--project-dir", str(project_dir)),
        *("--profiles-dir", str(profiles_dir)),
        *("--profile", profile),
        *("--target", target),
        *("--target-path", str((docs_path if command == "docs" else target_path)(project_dir, target))),
        *("--log-path", str(project_dir / "logs" / target)),
        *("--log-level", "none", "--log-level-file", "debug"),
        "--no-use-colors",
        # It has macros of dbt 2, does not see those of `flows/dbt_package`, and forgets hooks.
        "--no-use-v2-parser",
        # dbt would count the temporary profiles directory of each run as a new user.
        "--no-send-anonymous-usage-stats",
    ]


def _chosen(command: Command, options: Options) -> list[str]:
    """Return what the user asked for, as far as the command takes it."""
    chosen = ["--vars", options.variables] if options.variables else []
    if command in {"list", "run", "test", "build"}:
        chosen += ["--selector", options.selector] if options.selector else []
        chosen += [argument for one in options.select for argument in ("--select", one)]
        chosen += [argument for one in options.exclude for argument in ("--exclude", one)]
    off = options.left_out
    if command == "list":
        chosen += [argument for kind in _RUN if kind not in off for argument in ("--resource-type", kind)]
    if command in {"run", "test", "build"}:
        chosen += ["--threads", str(options.threads)] if options.threads else []
        chosen += [argument for kind in off for argument in ("--exclude-resource-type", kind)]
    # dbt parses anew for other variables, but not for --full-refresh.
    if command in {"run", "build"}:
        chosen += ["--full-refresh"] if options.full_refresh else []
        chosen += ["--empty"] if options.empty else []
        for option, time in (
            ("--event-time-start", options.event_time_start),
            ("--event-time-end", options.event_time_end),
        ):
            chosen += [option, time] if time else []
    return chosen
