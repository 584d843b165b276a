"""`python -m flows.packages`: install the packages of the dbt project as the flow does, as for an image."""

from __future__ import annotations

import argparse
import logging
import sys
from typing import TYPE_CHECKING

from flows.commands import command_line, options
from flows.project import deps, directory

if TYPE_CHECKING:
    from collections.abc import Sequence


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m flows.packages",
        description="Install the packages of the dbt project, where they lack. No block is read.",
        epilog="exit codes: 0 all packages are there, 1 dbt failed, 2 wrong usage, 3 no project, git or "
        "credential, 4 the hub or a repository does not answer",
    )
    command_line.add_project_dir(parser)
    parser.add_argument("--vars", metavar="YAML", help="variables of the dbt project")
    return parser


def _say(level: int, message: str) -> None:
    if level >= logging.INFO:
        print(message, file=sys.stderr, flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    given = _parser().parse_args(argv)

    def work() -> int:
        found = directory.find(given.project_dir, "dev")
        variables = options.from_parameters(variables=options.parse_vars(given.vars or "")).variables
        deps.install(found.path, {}, variables, _say)
        return 0

    return command_line.exit_code(work)


if __name__ == "__main__":
    sys.exit(main())
