"""The local platform's BigQuery with the raw data in it, and the project's dbt run against it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from google.cloud import bigquery

from demo import ingest, raw_csv, raw_data, raw_load
from demo.raw_tables import TABLES
from flows.target import blocks
from tests import forks, gateway

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROJECT = "demo-flights"
Owned = tuple[str, str]  # an address, and its owner's token
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

    def dbt(self, *arguments: str, target: str = "target") -> Finished:
        """Run dbt on the project with this environment. What dbt warns of counts as an error.

        With another ``target``, a directory, the parsed project in the usual one stays as it is.
        """
        env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("DBT_")},
            "GOOGLE_OAUTH_ACCESS_TOKEN": self.token,
            "GOOGLE_CLOUD_PROJECT": PROJECT,
            "BIGQUERY_API_ENDPOINT": self.url,
            "DBT_DATASET": self.name,
            "DBT_TARGET_PATH": str(self.directory / target),
            "DBT_LOG_PATH": str(self.directory / "logs"),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        }
        command = [forks.DBT, "--warn-error", "--no-use-colors", *arguments, "--target", "local"]
        done = forks.run(command, cwd=DBT_PROJECT, env=env)
        results = json.loads((self.directory / target / "run_results.json").read_text())["results"]
        statuses = {result["unique_id"]: result["status"] for result in results}
        return Finished(done.returncode, done.stdout + done.stderr, statuses)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Run SQL with ``{raw}`` and ``{marts}`` for the two datasets."""
        text = sql.format(raw=f"`{PROJECT}`.{self.name}_raw", marts=f"`{PROJECT}`.{self.name}")
        return [tuple(row.values()) for row in self.client.query(text).result()]

    def load(self, data: Path) -> None:
        """Load the five files in ``data``."""
        files = [raw_csv.read(table, data / table.file_name) for table in TABLES]
        raw_load.load(self.client, f"{PROJECT}.{self.name}_raw", files, force=False, say=print)


@pytest.fixture(scope="package")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Owned]:
    """The local platform's BigQuery."""
    state = tmp_path_factory.mktemp("google") / "state"
    with (
        gateway.emulated(tmp_path_factory.mktemp("emulator"), PROJECT) as emulator,
        gateway.gateway(state, emulator, PROJECT) as url,
    ):
        yield url, gateway.owner_token(state)


def connect(platform: Owned, name: str) -> bigquery.Client:
    """Connect as the platform's owner, for a dataset."""
    url, token = platform
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ingest.TOKEN, token)
        return ingest.connect(blocks.BigQueryTarget(PROJECT, name, "EU", url), "dev")


@pytest.fixture(scope="session")
def data() -> Path:
    """The directory with the real CSV files, fetched once."""
    return raw_data.fetch()


@pytest.fixture(scope="module")
def small(platform: Owned, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """The first 500 rows of each file, with the models built, for tests to change."""
    directory = tmp_path_factory.mktemp("small")
    for table in TABLES:
        lines = (data / table.file_name).read_text().splitlines(keepends=True)
        (directory / table.file_name).write_text("".join(lines[:501]))
    client = connect(platform, "small")
    # As `pulumi up` does.
    for dataset_id in ("small", "small_raw"):
        dataset = bigquery.Dataset(f"{PROJECT}.{dataset_id}")
        dataset.location = "EU"
        client.create_dataset(dataset)
    with client:
        warehouse = Warehouse(*platform, "small", client, directory)
        warehouse.load(directory)
        built = warehouse.dbt("build", "--exclude-resource-type", "test", "unit_test")
        assert built.code == 0, built.out
        yield warehouse
