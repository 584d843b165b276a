"""Run dbt twice in one process: first without a table that a model reads, then with it.

    python -m tests.flows.run_twice <dbt project directory>

Print as JSON the results of both and what dbt said the second time.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from flows import blocks, dbt_runner, profile
from tests.asking import ask


def main(directory: Path) -> None:
    made = profile.from_document(blocks.load_dbt_cli_profile("tiny"), "tiny")
    lines: list[str] = []

    def log(_level: int, message: str) -> None:
        lines.append(message)

    with dbt_runner.open_project(made, directory) as project:
        project.parse(log)
        first = project.run(log)
        lines.clear()
        url = f"{made.output['api_endpoint']}/bigquery/v2/projects/demo-flights/queries"
        sql = "create table demo_flights_tiny.late as select 1 as id"
        ask("POST", url, {"query": sql, "useLegacySql": False})
        second = project.run(log)
    print(json.dumps({"first": first, "second": second, "lines": lines}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
