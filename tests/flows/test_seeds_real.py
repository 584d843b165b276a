"""A seed's table is replaced as a whole, in a project that has nothing for it: the flow brings the macro."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests import faults
from tests.asking import ask
from tests.flows import servers
from tests.flows.conftest import Finished, run

pytestmark = pytest.mark.real

NAMES = ("changed", "emptied", "partitioned")


class NoUploads(faults.Plan):
    """Refuses what a load job would load, for good."""

    def next(self, request: faults.Request) -> str:
        self.counts["uploads"] += request.path.startswith("/upload/")
        return "403 before" if request.path.startswith("/upload/") else ""


@dataclass(frozen=True)
class Warehouse:
    """A dataset in the emulator at ``url``, and the project that dbt builds it from."""

    url: str
    project: Path

    def dbt(self, *arguments: str) -> Finished:
        output = {
            "type": "bigquery",
            "method": "oauth-secrets",
            "token": "any",
            "api_endpoint": self.url,
            "project": "demo-flights",
            "schema": "seeds",
            "threads": 4,
            "location": "EU",
        }
        profiles = {"seeds": {"target": "local", "outputs": {"local": output}}}
        (self.project / "profiles.yml").write_text(json.dumps(profiles))
        places = ["--project-dir", str(self.project), "--profiles-dir", str(self.project)]
        command = [sys.executable, "-m", "tests.flows.as_the_flow", *arguments, *places]
        env = {name: value for name, value in os.environ.items() if not name.startswith("DBT_")}
        return run(command, env | {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false"})

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Run SQL and return its rows, with every value as a text."""
        url = f"{self.url}/bigquery/v2/projects/demo-flights/queries"
        answer = ask("POST", url, {"query": sql, "useLegacySql": False, "location": "EU"})
        return [tuple(cell["v"] for cell in row["f"]) for row in answer.get("rows", [])]


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """Three seeds of two rows each."""
    directory = tmp_path_factory.mktemp("seeds")
    project = directory / "dbt"
    (project / "seeds").mkdir(parents=True)
    (project / "dbt_project.yml").write_text('name: seeds\nversion: "1.0"\nprofile: seeds\n')
    (directory / "bigquery").mkdir()
    write(project, "id\n1\n2\n")
    with servers.bigquery(directory / "bigquery") as url:
        reference = {"projectId": "demo-flights", "datasetId": "seeds"}
        datasets = f"{url}/bigquery/v2/projects/demo-flights/datasets"
        ask("POST", datasets, {"datasetReference": reference, "location": "EU"})
        warehouse = Warehouse(url, project)
        first = warehouse.dbt("seed")
        assert first.code == 0, first.out
        yield warehouse


def write(project: Path, rows: str) -> None:
    for name in NAMES:
        (project / "seeds" / f"{name}.csv").write_text(rows)


def test_a_load_that_fails_leaves_the_old_rows(seeded: Warehouse) -> None:
    write(seeded.project, "id\n3\n4\n")
    with faults.proxy(seeded.url) as proxy:
        proxy.plan = NoUploads()
        done = replace(seeded, url=proxy.url).dbt("seed")
    assert (done.code, proxy.plan.counts["uploads"]) == (1, len(NAMES)), done.out
    for name in NAMES:
        assert sorted(seeded.query(f"select id from seeds.{name}")) == [("1",), ("2",)]


def test_what_a_load_can_not_replace_is_made_anew(seeded: Warehouse) -> None:
    write(seeded.project, "id\n5\n")
    (seeded.project / "seeds" / "emptied.csv").write_text("id\n")
    seeded.query("drop table if exists seeds.partitioned")
    seeded.query("create table seeds.partitioned partition by day as select date '2026-01-01' as day")
    done = seeded.dbt("seed")
    assert done.code == 0, done.out
    assert seeded.query("select * from seeds.changed") == [("5",)]
    assert seeded.query("select * from seeds.partitioned") == [("5",)]
    assert seeded.query("select * from seeds.emptied") == []


def test_a_full_refresh_takes_other_columns(seeded: Warehouse) -> None:
    write(seeded.project, "name,id\nAda,6\n")
    done = seeded.dbt("seed", "--full-refresh", "--select", "changed")
    assert done.code == 0, done.out
    assert seeded.query("select * from seeds.changed") == [("Ada", "6")]
