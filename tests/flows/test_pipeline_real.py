"""The flow on a real Prefect, a real dbt and a BigQuery emulator."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.flows import servers
from tests.flows.conftest import Platform

pytestmark = pytest.mark.real

_CALL = """
import json, sys
from flows import pipeline
print(json.dumps(pipeline.dbt_full_pipeline(target="tiny", project_dir=sys.argv[1])))
"""


class Search:
    """Looks for the private key in files and in the arguments of processes while a block runs."""

    def __init__(self, pem: str, *directories: Path) -> None:
        self.needles = [line.encode() for line in pem.splitlines()[1:-1]]
        self.directories = directories
        self.found: set[str] = set()
        self.profiles: set[str] = set()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._repeat)

    def __enter__(self) -> Search:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self.look()

    def _repeat(self) -> None:
        while not self._ended.wait(0.05):
            self.look()

    def look(self) -> None:
        files = [path for directory in self.directories for path in directory.rglob("*") if path.is_file()]
        for path in [*files, *Path("/proc").glob("[0-9]*/cmdline")]:
            try:
                content = path.read_bytes()
            except OSError:
                continue
            if path.name == "profiles.yml":
                self.profiles.add(f"{path.parent.stat().st_mode & 0o777:o}")
            if any(needle in content for needle in self.needles):
                self.found.add(str(path))


@pytest.fixture(scope="module")
def good_run(platform: Platform, project: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The flow, called from Python in a process of its own, on a project without errors."""
    temporary = tmp_path_factory.mktemp("tmp")
    command = [sys.executable, "-c", _CALL, str(project)]
    env = platform.environment(TMPDIR=str(temporary))
    with Search(platform.pem, temporary, project, platform.home) as search:
        done = subprocess.run(
            command, check=False, env=env, cwd=servers.ROOT, capture_output=True, text=True, timeout=900
        )
    assert done.returncode == 0, done.stderr
    flow_run = platform.flow_runs()[0]
    return {
        "report": json.loads(done.stdout),
        "run": flow_run,
        "search": search,
        "done": done,
        "tmp": temporary,
    }


def test_result_tells_what_was_built_and_tested(good_run: dict[str, Any]) -> None:
    report = good_run["report"]
    assert list(report) == ["target", "run", "test"]
    assert (report["target"], report["run"]["status"], report["test"]["status"]) == (
        "tiny",
        "success",
        "success",
    )
    assert report["run"]["counts"] == {"success": 4}
    assert report["test"]["counts"] == {"pass": 4}
    built = {node["name"]: node["rows"] for node in report["run"]["nodes"] if node["rows"] is not None}
    assert (built["people"], built["greetings"]) == (3, 3)


def test_tables_are_in_bigquery(platform: Platform, good_run: dict[str, Any]) -> None:
    greetings = platform.query("select greeting from demo_flights_tiny.greetings order by id")
    assert greetings == [["Hello Ada"], ["Hello Grace"], ["Hello Edsger"]]
    assert platform.query("select count(*) from demo_flights_tiny.people_history") == [["3"]]


def test_prefect_records_flow_and_tasks(platform: Platform, good_run: dict[str, Any]) -> None:
    flow_run = good_run["run"]
    assert (flow_run["state_name"], flow_run["parameters"]["target"]) == ("Completed", "tiny")
    named = platform.commands(flow_run["id"])
    assert {name: task["state_name"] for name, task in named.items()} == {
        "dbt-run": "Completed",
        "dbt-test": "Completed",
    }
    policies = {name: task["empirical_policy"] for name, task in named.items()}
    assert (policies["dbt-run"]["retries"], policies["dbt-run"]["retry_delay"]) == (2, 30)
    assert policies["dbt-test"]["retries"] == 1


def test_prefect_has_a_line_per_node(platform: Platform, good_run: dict[str, Any]) -> None:
    lines = [line["message"] for line in platform.of_run("logs", good_run["run"]["id"])]
    for name in ("people", "greetings", "lengths", "people_history", "unique_greetings_id"):
        assert any("START" in line and name in line for line in lines), name
        assert any(" in 0." in line or " in 1." in line or "s]" in line for line in lines if name in line), (
            name
        )


def test_prefect_keeps_a_report(platform: Platform, good_run: dict[str, Any]) -> None:
    [artifact] = platform.of_run("artifacts", good_run["run"]["id"])
    assert (artifact["key"], artifact["type"]) == ("dbt-tiny", "markdown")
    assert "| `greetings` | model | success |" in artifact["data"]


def test_private_key_stays_in_memory(platform: Platform, good_run: dict[str, Any]) -> None:
    search = good_run["search"]
    assert search.profiles == {"700"}
    assert search.found == set()
    assert list(good_run["tmp"].rglob("profiles.yml")) == []
    logs = json.dumps(platform.of_run("logs", good_run["run"]["id"]))
    everything = logs + good_run["done"].stdout + good_run["done"].stderr
    assert not any(needle.decode() in everything for needle in search.needles)


def test_a_failing_test_fails_the_run(platform: Platform, project: Path, good_run: dict[str, Any]) -> None:
    named = project / "models" / "named.sql"
    before = named.read_text()
    named.write_text(before + "\nunion all select 1, 'Ada'")
    try:
        done = platform.command(project, "tiny")
    finally:
        named.write_text(before)
    assert done.code == 1, done.err
    assert "Traceback" not in done.err
    assert "  dbt-run   success" in done.out
    assert "fail test unique_greetings_id" in done.out
    flow_run = platform.flow_runs()[0]
    assert flow_run["state_name"] == "Failed"
    assert "unique_greetings_id (1 row)" in flow_run["state"]["message"]
    tasks = platform.commands(flow_run["id"])
    assert (tasks["dbt-test"]["state_name"], tasks["dbt-test"]["run_count"]) == ("Failed", 1)
    # Only the changed file was parsed again, although the profile was written anew.
    assert "Partial parsing enabled: 0 files deleted, 0 files added, 1 files changed." in debug_log(project)


def test_an_error_in_the_sql_stops_before_the_tests(platform: Platform, project: Path) -> None:
    greetings = project / "models" / "greetings.sql"
    before = greetings.read_text()
    greetings.write_text(before.replace("name)", "nme)"))
    try:
        done = platform.command(project, "tiny")
    finally:
        greetings.write_text(before)
    assert done.code == 1, done.err
    assert "Traceback" not in done.err
    assert "error model greetings" in done.out
    assert "dbt-test  skipped" in done.out
    [task] = platform.commands(platform.flow_runs()[0]["id"]).values()
    assert (task["state_name"], task["run_count"]) == ("Failed", 1)


def test_a_project_that_does_not_parse_is_one_message(platform: Platform, project: Path) -> None:
    extra = project / "models" / "extra.sql"
    extra.write_text("select * from {{ ref('nowhere') }}")
    try:
        done = platform.command(project, "tiny")
    finally:
        extra.unlink()
    assert done.code == 1, done.err
    assert "dbt-run   failed   dbt parse stopped" in done.out
    assert "nowhere" in done.out
    assert "Traceback" not in done.err


def test_bigquery_that_is_away_is_named(platform: Platform, project: Path) -> None:
    done = platform.command(project, "away")
    assert done.code == 4, done.err
    assert done.err.splitlines()[-1].startswith("error: BigQuery of the project demo-flights (target away)")
    assert platform.away in done.err.splitlines()[-1]
    assert "Traceback" not in done.err
    assert platform.flow_runs()[0]["state_name"] == "Failed"


def test_a_missing_block_is_named_before_a_run_starts(platform: Platform, project: Path) -> None:
    runs = len(platform.flow_runs())
    done = platform.command(project, "nowhere")
    assert done.code == 3
    assert done.err.startswith(
        "error: the block dbt-cli-profile-nowhere does not exist in Prefect at http://"
    )
    assert "`pulumi up -s nowhere`" in done.err
    assert len(platform.flow_runs()) == runs


def debug_log(project: Path) -> str:
    return (project / "logs" / "tiny" / "dbt.log").read_text()
