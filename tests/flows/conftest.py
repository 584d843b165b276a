"""A Prefect server and a BigQuery that answer, with the blocks of two targets."""

from __future__ import annotations

import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests import forks, tiny
from tests.asking import ask
from tests.end_to_end import copies
from tests.flows import elsewhere, sent_blocks, servers
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Finished:
    """What a command line has left behind."""

    code: int
    out: str
    err: str


@dataclass
class Platform:
    """The servers, and the private key that the blocks hold. Targets: tiny, and away (its BigQuery is)."""

    prefect: str
    bigquery: str
    away: str
    pem: str
    home: Path

    def environment(self, **changes: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT", "DBT"))}
        ours = {
            "PREFECT_API_URL": self.prefect,
            "PREFECT_HOME": str(self.home),
            "PYTHONPATH": str(servers.ROOT),
        }
        return {**kept, **ours, **changes}

    def command(self, project: Path, target: str, **changes: str) -> Finished:
        """Run `python -m flows.pipeline --target …` on another dbt project."""
        return run(elsewhere.words(project, "--target", target), self.environment(**changes))

    def query(self, sql: str) -> list[list[Any]]:
        url = f"{self.bigquery}/bigquery/v2/projects/demo-flights/queries"
        answer = ask("POST", url, {"query": sql, "useLegacySql": False, "location": "EU"})
        return [[cell["v"] for cell in row["f"]] for row in answer.get("rows", [])]

    def slow(self, seconds: float) -> str:
        """Return a query of about so many seconds here and now, be this machine quick, slow or busy."""
        began = time.monotonic()
        self.query(tiny.slow(400))
        return tiny.slow(max(400, round(400 * seconds / (time.monotonic() - began))))

    def flow_runs(self) -> list[dict[str, Any]]:
        """The latest runs in Prefect, newest first."""
        body = {"sort": "START_TIME_DESC"}
        found: list[dict[str, Any]] = ask("POST", f"{self.prefect}/flow_runs/filter", body)
        return found

    def of_run(self, what: str, run_id: str) -> list[dict[str, Any]]:
        """What Prefect holds of one flow run: `task_runs`, `artifacts`, or the texts of `logs`."""
        body = {"flow_runs": {"id": {"any_": [run_id]}}}
        if what == "logs":
            body = {"logs": {"flow_run_id": {"any_": [run_id]}}}
        found: list[dict[str, Any]] = ask("POST", f"{self.prefect}/{what}/filter", body)
        return found

    def commands(self, run_id: str) -> dict[str, dict[str, Any]]:
        """The task runs of one flow run that are dbt's commands, not its nodes, by name of the task."""
        tasks = [task for task in self.of_run("task_runs", run_id) if "dbt" not in task["tags"]]
        return {task["name"].rsplit("-", 1)[0]: task for task in tasks}


def run(command: list[str], env: dict[str, str]) -> Finished:
    done = forks.run(command, env=env, cwd=servers.ROOT)
    return Finished(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="package")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    # These files come after such as need a copy, and before others.
    copies.rest()
    directory = tmp_path_factory.mktemp("flows")
    for name in ("prefect", "bigquery", "home"):
        (directory / name).mkdir()
    port = free_port()
    away = f"http://127.0.0.1:{free_port()}"
    made = Platform(f"http://127.0.0.1:{port}/api", "", away, "", directory / "home")
    with ExitStack() as stack, ThreadPoolExecutor() as pool:
        prefect = pool.submit(stack.enter_context, servers.prefect_server(directory / "prefect", port))
        token_url = stack.enter_context(servers.tokens())
        made.bigquery = stack.enter_context(servers.bigquery(directory / "bigquery"))
        prefect.result()
        made.pem = sent_blocks.private_key()
        for target, url in {"tiny": made.bigquery, "away": away}.items():
            sent_blocks.send(made.prefect, target, url, token_url, made.pem)
        reference = {"projectId": "demo-flights", "datasetId": "demo_flights_tiny"}
        url = f"{made.bigquery}/bigquery/v2/projects/demo-flights/datasets"
        ask("POST", url, {"datasetReference": reference, "location": "EU"})
        yield made


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tiny dbt project, for the tests of one module to change and restore."""
    return Path(shutil.copytree(tiny.DIRECTORY, tmp_path_factory.mktemp("project") / "dbt"))
