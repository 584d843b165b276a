"""Run dbt again and again in one process, on a project some of whose models fail for a while, or for good.

    python -m tests.flows.run_twice <dbt project directory>

Print as JSON what each attempt gave, and what dbt said the last time.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from flows.engine import dbt_project
from flows.errors import DbtError
from flows.target import blocks
from flows.target import dbt_profile as profile
from tests.asking import ask


def main(directory: Path) -> None:
    made = profile.from_document(blocks.load_dbt_cli_profile("tiny"), "tiny")
    lines: list[str] = []
    told: dict[str, Any] = {"lines": lines}

    def log(_level: int, message: str) -> None:
        lines.append(message)

    def query(sql: str) -> None:
        url = f"{made.output['api_endpoint']}/bigquery/v2/projects/demo-flights/queries"
        ask("POST", url, {"query": sql, "useLegacySql": False})

    query("create or replace table demo_flights_tiny.busy as select true as still")
    with dbt_project.open_project(made, directory) as project:
        project.parse(log)
        told["first"] = project.run(log)
        # dbt itself stops, as where BigQuery does not answer its first question.
        project.renew(replace(made, output={"type": "bigquery"}))
        try:
            project.run(log)
        except DbtError as error:
            told["stopped"] = str(error)
        project.renew(made)
        query("create or replace table demo_flights_tiny.busy as select false as still")
        lines.clear()
        told["last"] = project.run(log)
    print(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
