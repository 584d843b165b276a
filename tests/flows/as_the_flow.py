"""dbt with what the flow adds to any project, without Prefect: `python -m tests.flows.as_the_flow seed …`."""

from __future__ import annotations

import sys

from dbt.cli.main import dbtRunner

from flows.engine.internals import own_package

if __name__ == "__main__":
    own_package.add()
    sys.exit(not dbtRunner().invoke(sys.argv[1:]).success)
