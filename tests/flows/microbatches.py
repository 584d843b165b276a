"""Run a dbt project with a microbatch model and hooks through faults: a batch for each of four years.

    python -m tests.flows.microbatches <dbt project directory> killed|others

`killed` dies by SIGKILL after the first batch; `others` goes on from there, and prints as JSON what came.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flows.commands.options import Options
from flows.engine import dbt_project, diagnosis
from flows.engine.events import BatchFinished, Finished, Started
from flows.target import blocks
from flows.target import dbt_profile as profile
from tests.asking import ask

YEARS = range(datetime.now(UTC).year - 3, datetime.now(UTC).year + 1)
BUSY, WRONG = "Exceeded rate limits: too many", "Syntax error at [1:1]"
_MODELS = {
    "events.sql": "{{ config(materialized='table', event_time='happened_at') }}\n"
    "select year, timestamp(date(year, 5, 1)) as happened_at\n"
    f"from unnest(generate_array({YEARS[0]}, {YEARS[-1]})) as year\n",
    "yearly.sql": "{{ config(materialized='incremental', incremental_strategy='microbatch',\n"
    f"    batch_size='year', event_time='happened_at', begin='{YEARS[0]}-01-01', concurrent_batches=false,\n"
    "    partition_by={'field': 'happened_at', 'data_type': 'timestamp', 'granularity': 'year'}) }}\n"
    "select year, happened_at from {{ ref('events') }}\n"
    "where if(year = (select bad from demo_flights_tiny.moods),\n"
    "    error((select said from demo_flights_tiny.moods)), true)\n",
    "below.sql": "{{ config(materialized='table') }}\nselect count(*) as years from {{ ref('yearly') }}\n",
}
_PROJECT = """
name: years
version: "1.0"
profile: projet_m2_bi
on-run-start: ["select 1"]
on-run-end:
  - "select if(hook != '', error(hook), 1) from demo_flights_tiny.moods"
  - "select 2"
"""
# dbt's own asks the new rows which partitions they replace, in a script: the bare emulator does not know
# `array_agg(distinct … ignore nulls)`. Here it is those of the batch; the one statement is dbt's.
MACRO = """
{% macro bq_generate_microbatch_build_sql(tmp_relation, target_relation, sql, unique_key, partition_by,
        partitions, dest_columns, tmp_relation_exists, copy_partitions) %}
    {% set since = "happened_at >= timestamp('" ~ model.batch.event_time_start ~ "')" %}
    {% set until = "happened_at < timestamp('" ~ model.batch.event_time_end ~ "')" %}
    {% set rows = "(" ~ sql ~ ")" %}
    {{ return(get_insert_overwrite_merge_sql(target_relation, rows, dest_columns, [since, until])) }}
{% endmacro %}
"""


class Notes:
    """What a `Watch` is told of the model."""

    def __init__(self, *, deadly: bool = False) -> None:
        self.deadly = deadly
        self.ended: list[str] = []
        self.batches: list[str] = []
        self.models: list[str] = []

    def begin(self, command: str, lineage: Any) -> None: ...

    def line(self, node: Any, level: int, message: str) -> None: ...

    def end(self, error: BaseException | None) -> None: ...

    def node(self, event: Any) -> None:
        if isinstance(event, Started) and event.node.kind == "model":
            self.models.append(event.node.name)
        if event.node.name != "yearly":
            return
        if isinstance(event, BatchFinished):
            self.batches.append(event.batch["status"])
            if self.deadly:
                os.kill(os.getpid(), signal.SIGKILL)
        if isinstance(event, Finished):
            self.ended.append(event.result["status"])


class Project:
    """The project, and what is in its tables."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._profile = profile.from_document(blocks.load_dbt_cli_profile("tiny"), "tiny")

    def mood(self, bad: int = 0, said: str = "", hook: str = "") -> None:
        """Let the batch of a year fail with a message, and a hook at the end with another."""
        self._query(
            "create or replace table demo_flights_tiny.moods as "
            f"select {bad} as bad, '{said}' as said, '{hook}' as hook"
        )

    def run(self, notes: Notes, *moods: tuple[Any, ...], **options: Any) -> dict[str, Any]:
        """Run the models once for each mood, as one task and its retries."""
        steps = []
        with dbt_project.open_project(self._profile, self._directory, Options(**options), notes) as project:
            project.parse(lambda _level, _message: None)
            for mood in moods or ((),):
                self.mood(*mood)
                steps.append(project.run(lambda _level, _message: None))
                if steps[-1]["status"] == "success":
                    project.finish()
        return {
            "steps": [{node["name"]: node["status"] for node in step["nodes"]} for step in steps],
            "hooks": [[node["status"] for node in step["hooks"]] for step in steps],
            "counts": steps[-1]["counts"],
            "models": notes.models,
            "messages": [node["message"] for step in steps for node in step["failed"]],
            "rows": [node["rows"] for node in steps[-1]["nodes"] if node["name"] == "yearly"],
            "worth": [diagnosis.worth_retrying(step["failed"]) for step in steps],
            "ended": notes.ended,
            "batches": notes.batches,
            "years": [
                int(year) for [year] in self._query("select year from demo_flights_tiny.yearly order by 1")
            ],
        }

    def _query(self, sql: str) -> list[list[Any]]:
        url = f"{self._profile.output['api_endpoint']}/bigquery/v2/projects/demo-flights/queries"
        answer = ask("POST", url, {"query": sql, "useLegacySql": False, "location": "EU"})
        return [[cell["v"] for cell in row["f"]] for row in answer.get("rows", [])]


def write(directory: Path) -> None:
    """Write the project."""
    for folder in ("models", "macros"):
        (directory / folder).mkdir(parents=True)
    (directory / "dbt_project.yml").write_text(_PROJECT)
    for name, text in _MODELS.items():
        (directory / "models" / name).write_text(text)
    (directory / "macros" / "microbatch.sql").write_text(MACRO)


def main(directory: Path, what: str) -> None:
    project = Project(directory)
    if what == "killed":
        project.mood()
        project.run(Notes(deadly=True))
    first, second, third = YEARS[0], YEARS[1], YEARS[2]
    told = {
        "resumed": project.run(Notes(), resume=True),
        # The task fails, and so do its retries; the next run finds what it has not done.
        "bad": project.run(Notes(), (second, BUSY), full_refresh=True),
        "next": project.run(Notes()),
        # A retry of a full refresh fills in what is missing, and nothing else.
        "refreshed": project.run(Notes(), (second, BUSY), (0, ""), full_refresh=True),
        "wrong": project.run(Notes(), (third, WRONG), full_refresh=True),
        "mended": project.run(Notes(), resume=True, full_refresh=True),
        "all bad": project.run(Notes(), (first, BUSY), (0, ""), full_refresh=True),
        "hook": project.run(Notes(), (0, "", BUSY), (0, "", BUSY), (), select=("below",)),
        "hook stays": project.run(Notes(), (0, "", BUSY), select=("below",)),
        "hook resumed": project.run(Notes(), select=("below",), resume=True),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
