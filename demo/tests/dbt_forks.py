"""dbt imported once: each of its commands is a fork of this process, and starts without what others did.

To import dbt takes longer than most of what tests let it do. Each line that this reads is a request:
arguments, directory, environment, a file for what is printed. It answers with the exit code.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import dbt.adapters.bigquery  # noqa: F401  what dbt imports when it has read the profile
from dbt.cli.main import cli


def serve() -> None:
    """Carry out each request, one after the other."""
    for line in sys.stdin:
        child = os.fork()
        if not child:
            _become_the_command(json.loads(line))
            sys.exit(cli())
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def _become_the_command(request: dict[str, Any]) -> None:
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    printed = os.open(request["out"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for descriptor in (1, 2):
        os.dup2(printed, descriptor)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.argv = ["dbt", *request["arguments"]]


if __name__ == "__main__":
    serve()
