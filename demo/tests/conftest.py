"""The local platform's BigQuery with the raw data in it, and the project's dbt run against it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from google.cloud import bigquery

from demo import ingest, raw_csv, raw_data, raw_load
from demo.raw_tables import TABLES
from flows.target import blocks
from tests import gateway

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = "demo-flights"
Owned = tuple[str, str]  # an address, and its owner's token
DBT = Path(sys.executable).with_name("dbt")
DBT_PROJECT = gateway.ROOT / "dbt"


@dataclass
class Finished:
    """What a dbt command has left behind. ``results`` holds the status of each node it ran, by its id."""

    code: int
    out: str
    results: dict[str, str]


@dataclass
class Warehouse:
    """One environment's datasets in the emulator, ``name`` and its raw one, and the dbt project to run."""

    url: str
    token: str
    name: str
    client: bigquery.Client
    directory: Path
    project: Path = DBT_PROJECT

    def dbt(self, *arguments: str) -> Finished:
        """Run dbt on the project with this environment. What dbt warns of counts as an error."""
        target = self.directory / "target"
        env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("DBT_")},
            "GOOGLE_OAUTH_ACCESS_TOKEN": self.token,
            "GOOGLE_CLOUD_PROJECT": PROJECT,
            "BIGQUERY_API_ENDPOINT": self.url,
            "DBT_DATASET": self.name,
            "DBT_TARGET_PATH": str(target),
            "DBT_LOG_PATH": str(self.directory / "logs"),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        }
        command = [str(DBT), "--warn-error", "--no-use-colors", *arguments, "--target", "local"]
        done = subprocess.run(
            command,
            cwd=self.project,
            env=env,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        results = json.loads((target / "run_results.json").read_text())["results"]
        return Finished(done.returncode, done.stdout, {r["unique_id"]: r["status"] for r in results})

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Run SQL with ``{raw}`` and ``{marts}`` for the two datasets."""
        text = sql.format(raw=f"`{PROJECT}`.{self.name}_raw", marts=f"`{PROJECT}`.{self.name}")
        return [tuple(row.values()) for row in self.client.query(text).result()]

    def load(self, data: Path) -> None:
        """Load the five files in ``data``."""
        files = [raw_csv.read(table, data / table.file_name) for table in TABLES]
        raw_load.load(self.client, f"{PROJECT}.{self.name}_raw", files, force=False, say=print)


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Owned]:
    """The local platform's BigQuery."""
    state = tmp_path_factory.mktemp("google") / "state"
    with (
        gateway.emulated(tmp_path_factory.mktemp("emulator"), PROJECT) as emulator,
        gateway.gateway(state, emulator, PROJECT) as url,
    ):
        yield url, gateway.owner_token(state)


def make_warehouse(platform: Owned, name: str, directory: Path) -> Warehouse:
    """Create the two empty datasets, as `pulumi up` does."""
    url, token = platform
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ingest.TOKEN, token)
        client = ingest.connect(blocks.BigQueryTarget(PROJECT, name, "EU", url), "dev")
    for dataset_id in (name, f"{name}_raw"):
        dataset = bigquery.Dataset(f"{PROJECT}.{dataset_id}")
        dataset.location = "EU"
        client.create_dataset(dataset)
    return Warehouse(url, token, name, client, directory)


@pytest.fixture(scope="session")
def data() -> Path:
    """The directory with the real CSV files, fetched once."""
    return raw_data.fetch()


@pytest.fixture(scope="session")
def full(platform: Owned, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """All of the real data, built and tested by dbt. Tests must not change it."""
    warehouse = make_warehouse(platform, "full", tmp_path_factory.mktemp("full"))
    warehouse.load(data)
    built = warehouse.dbt("build")
    assert built.code == 0, built.out
    with warehouse.client:
        yield warehouse


@pytest.fixture(scope="module")
def small(platform: Owned, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """The first 500 rows of each file, with the models built, for tests to change."""
    directory = tmp_path_factory.mktemp("small")
    for table in TABLES:
        lines = (data / table.file_name).read_text().splitlines(keepends=True)
        (directory / table.file_name).write_text("".join(lines[:501]))
    warehouse = make_warehouse(platform, "small", directory)
    warehouse.load(directory)
    built = warehouse.dbt("build", "--exclude-resource-type", "test", "unit_test")
    assert built.code == 0, built.out
    with warehouse.client:
        yield warehouse
