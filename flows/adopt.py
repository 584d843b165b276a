"""What a dbt project needs of each stack, before anything is made: `python -m flows.adopt`."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from flows.commands import command_line, options
from flows.engine import parsing
from flows.errors import DbtError, NotSetUpError, UsageError
from flows.project import access, deps, directory, missing, packages, stack, variables
from flows.target import names
from flows.target.dbt_profile import DbtProfile

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from flows.project.missing import Setting
    from flows.project.needs import Needs
    from flows.project.stack import Stack

# What stands for a variable that is not set, while dbt reads the project.
_PLACEHOLDER = "not_set"


def look(
    target: str, project_dir: str | None, variables_: str = ""
) -> tuple[Stack, Path, Needs, list[Setting]]:
    """Read the dbt project as the target would, and say what it needs and what lacks in the stack's file.

    Raises UsageError or NotSetUpError without a stack file or a project, DbtError if it does not parse.
    """
    found = stack.load(names.check_target(target))
    if found is None:
        raise UsageError(
            f"there is no Pulumi.{target}.yaml in {names.PROJECT_ROOT}: "
            f"`cp infra/new-stack.yaml Pulumi.{target}.yaml`."
        )
    extras = {"global_configs": {"extras": {directory.EXTRA: found.project_dir}}}
    where = directory.find(project_dir, target, extras)
    asked = variables.of(where.path)
    own = directory.read(where).get("profile")
    output = {
        **found.profile,
        "type": "bigquery",
        "method": "oauth-secrets",
        "token": "none",
        "project": found.project,
        "schema": found.dataset,
        "location": found.location,
        "threads": found.threads,
    }
    profile = DbtProfile(own if isinstance(own, str) and "{{" not in own else "adopted", target, output, {})
    deps.install(where.path, {}, variables_, _say)
    unset = dict.fromkeys((name for name, required in asked.items() if required), _PLACEHOLDER)
    try:
        found_needs = parsing.needs(profile, where.path, unset, variables_)
    except DbtError as error:
        if lacks := access.unset_variable(str(error), target):
            raise lacks from error
        raise
    return found, where.path, found_needs, missing.settings(found, found_needs, asked)


def described(stack_: Stack, project_dir: Path, found: Needs) -> Iterable[str]:
    """Yield lines about what the project needs of a target."""
    yield f"{stack_.target}: {project_dir}"
    for what, places in (("writes", found.writes), ("reads", found.reads), ("gives access in", found.grants)):
        for place, why in sorted(places.items()):
            shown = ", ".join(missing.short(name) for name in why[:3]) + ", …" * (len(why) > 3)
            yield f"  {what} {missing.name_of(place)}: {len(why)} ({shown})"
    if packages_ := packages.specified(project_dir):
        yield f"  packages: {', '.join(packages_)}"
    if asked := variables.of(project_dir):
        all_ = (name if required else f"{name} (has a default)" for name, required in asked.items())
        yield f"  env_var: {', '.join(all_)}"
    if found.python:
        yield f"  Python models: {', '.join(found.python)}"
    if found.hooks:
        yield f"  hooks: {', '.join(f'{number} {kind}' for kind, number in sorted(found.hooks.items()))}"


def adopt(targets: Sequence[str], project_dir: str | None, variables_: str = "", *, write: bool) -> int:
    """Report on each target, and write what lacks where that is asked for. NotSetUpError if some is left."""
    lines = []
    for target in targets:
        found, where, found_needs, lacking = look(target, project_dir, variables_)
        print("\n".join(described(found, where, found_needs)))
        for one in lacking:
            print(f"  lacks in {found.file.name}: {one.name} {one.value}, since {one.why}")
        before = missing.commands(found, lacking)
        left = missing.write(found, lacking) if write else lacking
        if write and len(left) < len(lacking):
            print(f"  written to {found.file.name}; next: `pulumi up -s {target}`")
        lines += [line for line, one in zip(before, lacking, strict=True) if one in left]
        if not lacking:
            print(f"  nothing is missing in {found.file.name}")
    if lines:
        raise NotSetUpError("settings are missing:\n" + "\n".join(f"  {line}" for line in lines))
    return 0


def _say(level: int, message: str) -> None:
    if level >= logging.INFO:
        print(message, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m flows.adopt",
        description="Say what the dbt project needs of each stack: datasets, packages, variables, grants; "
        "and which settings are missing. Asks neither Google nor Prefect.",
        epilog="exit codes: 0 nothing is missing, 1 the project does not parse, 2 wrong usage, 3 settings "
        "are missing, 4 packages are missing and their hub does not answer",
    )
    parser.add_argument(
        "--target", nargs="+", help="the stacks (default: each with a Pulumi.<target>.yaml here)"
    )
    command_line.add_project_dir(parser)
    parser.add_argument("--vars", metavar="YAML", help="variables of the dbt project that the runs will have")
    parser.add_argument(
        "--write", action="store_true", help="put what lacks into Pulumi.<target>.yaml, where it is known"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    given = _parser().parse_args(argv)

    def work() -> int:
        text = options.from_parameters(variables=options.parse_vars(given.vars or "")).variables
        return adopt(given.target or stack.all_targets(), given.project_dir, text, write=given.write)

    return command_line.exit_code(work)


if __name__ == "__main__":
    sys.exit(main())
