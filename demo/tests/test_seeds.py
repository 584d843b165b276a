"""A seed's table is replaced as a whole, in a small project that has this one's macro for it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from demo.tests.conftest import DBT_PROJECT, make_warehouse
from tests.flows import faults

if TYPE_CHECKING:
    from pathlib import Path

    from demo.tests.conftest import Warehouse

pytestmark = pytest.mark.real

NAMES = ("changed", "emptied", "partitioned")


class NoUploads(faults.Plan):
    """Refuses what a load job would load, for good."""

    def next(self, authorization: str, path: str = "") -> str:
        self.counts["uploads"] += path.startswith("/upload/")
        return "403 before" if path.startswith("/upload/") else ""


@pytest.fixture(scope="module")
def seeded(bigquery_url: str, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Three seeds of two rows each."""
    directory = tmp_path_factory.mktemp("seeds")
    project = directory / "dbt"
    (project / "seeds").mkdir(parents=True)
    (project / "dbt_project.yml").write_text('name: seeds\nversion: "1.0"\nprofile: projet_m2_bi\n')
    shutil.copy(DBT_PROJECT / "profiles.yml", project)
    shutil.copytree(DBT_PROJECT / "macros", project / "macros")
    write(project, "id\n1\n2\n")
    warehouse = replace(make_warehouse(bigquery_url, "seeds", directory), project=project)
    first = warehouse.dbt("seed")
    assert first.code == 0, first.out
    return warehouse


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
        assert sorted(seeded.query(f"select id from {{marts}}.{name}")) == [(1,), (2,)]


def test_what_a_load_can_not_replace_is_made_anew(seeded: Warehouse) -> None:
    write(seeded.project, "id\n5\n")
    (seeded.project / "seeds" / "emptied.csv").write_text("id\n")
    seeded.query("drop table if exists {marts}.partitioned")
    seeded.query("create table {marts}.partitioned partition by day as select date '2026-01-01' as day")
    done = seeded.dbt("seed")
    assert done.code == 0, done.out
    assert seeded.query("select * from {marts}.changed") == [(5,)]
    assert seeded.query("select * from {marts}.partitioned") == [(5,)]
    assert seeded.query("select * from {marts}.emptied") == []


def test_a_full_refresh_takes_other_columns(seeded: Warehouse) -> None:
    write(seeded.project, "name,id\nAda,6\n")
    done = seeded.dbt("seed", "--full-refresh", "--select", "changed")
    assert done.code == 0, done.out
    assert seeded.query("select * from {marts}.changed") == [("Ada", 6)]
