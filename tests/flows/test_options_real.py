"""The options of the command line, on a real Prefect, dbt and BigQuery emulator."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from prefect.logging.handlers import APILogHandler
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows import pipeline
from tests.flows import elsewhere
from tests.flows.conftest import Finished, Platform, run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real


def command(platform: Platform, project: Path, *options: str) -> Finished:
    return run(elsewhere.words(project, "--target", "tiny", *options), platform.environment())


@pytest.fixture(scope="module")
def seeded(platform: Platform, project: Path) -> Path:
    """The project, once its seed is in BigQuery."""
    # An editor's lock: a link that leads nowhere.
    (project / "models" / ".#greetings.sql").symlink_to("me@here.42:1")
    done = command(platform, project, "--select", "people")
    assert done.code == 0, done.err
    return project


def test_a_selection_is_run_and_told_as_json(platform: Platform, seeded: Path) -> None:
    done = command(platform, seeded, "--full-refresh", "--select", "people", "greetings", "--json")
    assert done.code == 0, done.err
    report = json.loads(done.out)
    assert (report["exit_code"], report["target"]) == (0, "tiny")
    messages = {node["name"]: node["message"] for node in report["run"]["nodes"]}
    assert set(messages) == {"people", "greetings"}
    # Without --full-refresh, dbt would empty the table and insert.
    assert messages["people"] == "CREATE 3"
    assert report["test"]["counts"] == {"pass": 3}
    assert report["flow_run"].startswith(platform.prefect.removesuffix("/api"))
    # --full-refresh is no reason to parse the project anew; the first run had to.
    log = (seeded / "logs" / "tiny" / "dbt.log").read_text()
    assert log.count("Unable to do partial parsing") == 1


def test_what_matches_nothing_is_wrong_usage(platform: Platform, project: Path) -> None:
    done = command(platform, project, "--exclude", "greetngs", "--json")
    assert done.code == 2
    told = json.loads(done.out)
    assert told["exit_code"] == 2
    assert told["error"].startswith("--exclude greetngs: nothing in the project matches 'greetngs'.")
    assert done.err.splitlines()[-1] == f"error: {told['error']}"


MORE_TESTS = """
version: 2
seeds:
  - name: people
    columns: [{name: id, data_tests: [unique]}]
unit_tests:
  - name: fails_wherever_it_runs
    model: lengths
    given: [{input: ref('greetings'), rows: [{id: 1, greeting: Hello}]}]
    expect: {rows: [{id: 1, length: 6}]}
"""


def test_what_is_switched_off_is_neither_built_nor_tested(platform: Platform, seeded: Path) -> None:
    more = seeded / "models" / "more.yml"
    more.write_text(MORE_TESTS)
    (seeded / "tests").mkdir()
    (seeded / "tests" / "of_the_history.sql").write_text("select * from {{ ref('people_history') }}")
    (seeded / "tests" / "compared.sql").write_text(
        "select id from {{ ref('greetings') }} where id not in (select id from {{ ref('people') }})"
    )
    done = command(platform, seeded, "--no-seeds", "--no-snapshots", "--no-unit-tests", "--json")
    more.unlink()
    shutil.rmtree(seeded / "tests")
    assert done.code == 0, done.err
    report = json.loads(done.out)
    assert {node["name"] for node in report["run"]["nodes"]} == {"greetings", "lengths"}
    assert {node["name"] for node in report["test"]["nodes"]} == {
        "unique_greetings_id",
        "not_null_greetings_id",
        "not_null_greetings_greeting",
        "accepted_values_lengths_length__False___var_lengths_9_11_12_",
        # It is about the model, whatever that is compared with.
        "compared",
    }


SOURCES = """
version: 2
sources:
  - name: raw
    schema: demo_flights_tiny
    config:
      loaded_at_field: timestamp('2020-01-01')
      freshness:
        LIMIT: {count: 1, period: day}
    tables: [{name: people}]
"""


@pytest.mark.parametrize(("limit", "code", "said"), [("error_after", 1, "failed"), ("warn_after", 0, "WARN")])
def test_old_sources_stop_the_run_or_are_warned_of(
    platform: Platform, seeded: Path, limit: str, code: int, said: str
) -> None:
    sources = seeded / "models" / "sources.yml"
    sources.write_text(SOURCES.replace("LIMIT", limit))
    done = command(platform, seeded, "--freshness", "--select", "lengths", "--json")
    sources.unlink()
    assert done.code == code, done.err
    assert said in done.err
    assert "switched off" not in done.err
    run = newest(platform)
    nodes = {task["name"] for task in platform.of_run("task_runs", run) if "dbt" in task["tags"]}
    lengths = {"lengths", "accepted_values_lengths_length__False___var_lengths_9_11_12_"}
    assert nodes == ({"raw.people"} if code else {"raw.people"} | lengths)
    states = {name: task["state_type"] for name, task in platform.commands(run).items()}
    if code:
        assert states == {"dbt-freshness": "FAILED"}
        assert json.loads(done.out)["run"]["status"] == "skipped", done.out
    else:
        assert states == dict.fromkeys(("dbt-freshness", "dbt-run", "dbt-test"), "COMPLETED")


def test_a_mistake_in_the_program_is_none_of_dbts_failures(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def mistaken(*_: object) -> None:
        raise RuntimeError("can't start a thread for https://me:planted-word@x.example")

    monkeypatch.setattr(pipeline, "run_pipeline", mistaken)
    with temporary_settings({PREFECT_API_URL: platform.prefect}):
        assert pipeline.main(["--target", "tiny", "--json"]) == 70
    printed = capsys.readouterr()
    told = json.loads(printed.out)
    said = "RuntimeError: can't start a thread for https://*****@x.example"
    assert told["error"].startswith(f"unexpected {said}")
    held = platform.flow_runs()[0]
    assert told["flow_run"].endswith(held["id"])
    assert held["state"]["message"] == f"Flow run encountered an exception: {said}"
    APILogHandler().flush()
    logs = json.dumps(platform.of_run("logs", held["id"]))
    assert "can't start a thread for https://*****@x.example" in logs
    assert "planted-word" not in printed.err + json.dumps(held) + logs


def newest(platform: Platform) -> str:
    return str(platform.flow_runs()[0]["id"])
