"""What can be seen of a run with failures: in Prefect's API, on its pages, in metrics and in JSON logs."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests import tiny
from tests.flows import otlp
from tests.flows.conftest import Finished, Platform

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real

# What the environment of a run may hold, besides the key in the blocks.
PLANTED = {
    "PREFECT_API_KEY": "planted-prefect-key",
    "PREFECT_API_AUTH_STRING": "admin:planted-auth-string",
    "OTEL_EXPORTER_OTLP_HEADERS": "x-team=planted-team-header",
    "OTEL_EXPORTER_OTLP_METRICS_HEADERS": "authorization=Bearer%20planted-bearer-token",
}
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1300,2400",
    "--virtual-time-budget=40000",
]


@dataclass
class Seen:
    """A run, and where each thing about it was found."""

    run: dict[str, Any]
    nodes: dict[str, dict[str, Any]]
    artifact: dict[str, Any]
    done: Finished
    record: str
    sink: otlp.Sink
    marker: str


@pytest.fixture(scope="module")
def seen(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """Run the flow where one test fails, one has an error, and secrets turn up all over."""
    project = shutil.copytree(tiny.DIRECTORY, tmp_path_factory.mktemp("visible") / "dbt")
    marker = platform.pem.splitlines()[3]
    tests = project / "tests"
    tests.mkdir()
    url = platform.prefect.replace("://", "://somebody:planted-word@")
    secrets = " ~ ' ' ~ ".join(
        [f"'{marker}'", *(f"env_var('{name}')" for name in (*PLANTED, "PREFECT_API_URL"))]
    )
    (tests / "leaky.sql").write_text(
        f'{{{{ log("logged " ~ {secrets}, info=True) }}}} select "{{{{ {secrets} }}}}" as found, 7 as number'
    )
    (tests / "broken.sql").write_text(f'select no_such_function("{{{{ {secrets} }}}}")')
    with otlp.sink() as sink:
        changes = {**PLANTED, "PREFECT_API_URL": url, "OTEL_EXPORTER_OTLP_ENDPOINT": sink.url}
        done = platform.command(project, "tiny", **changes, PIPELINE_LOG_FORMAT="json")
    assert done.code == 1, done.err
    run = platform.flow_runs()[0]
    nodes = {one["name"]: one for one in platform.of_run("task_runs", run["id"]) if "dbt" in one["tags"]}
    [artifact] = platform.of_run("artifacts", run["id"])
    record = (project / "target" / "tiny" / "finished.jsonl").read_text()
    return Seen(run, nodes, artifact, done, record, sink, marker)


def test_every_node_is_a_task_run_in_its_last_state(seen: Seen) -> None:
    states = {name: (node["state_type"], node["run_count"]) for name, node in seen.nodes.items()}
    built = dict.fromkeys(("people", "people_history", "greetings", "lengths"), ("COMPLETED", 1))
    passed = (
        "not_null_greetings_id",
        "not_null_greetings_greeting",
        "unique_greetings_id",
        "accepted_values_lengths_length__False___var_lengths_9_11_12_",
    )
    failed = {"leaky": ("FAILED", 1), "broken": ("FAILED", 1)}
    assert states == {**built, **dict.fromkeys(passed, ("COMPLETED", 1)), **failed}
    assert seen.nodes["people"]["state"]["message"].startswith("3 rows · ")
    assert "bytes processed" in seen.nodes["greetings"]["state"]["message"]
    assert seen.nodes["leaky"]["state"]["message"].startswith("Got 1 result, configured to fail if != 0 · ")
    assert all(node["start_time"] < node["end_time"] for node in seen.nodes.values())


def test_the_graph_of_the_run_is_the_lineage(platform: Platform, seen: Seen) -> None:
    names = {node["id"]: name for name, node in seen.nodes.items()}
    commands = platform.commands(seen.run["id"])
    names |= {task["id"]: name for name, task in commands.items()}
    edges = {
        name: {key: [names[one["id"]] for one in ids] for key, ids in node["task_inputs"].items()}
        for name, node in seen.nodes.items()
    }
    assert edges["people"] == {"upstream": [], "__parents__": ["dbt-run"]}
    # The model reads `people` through an ephemeral one.
    assert edges["greetings"] == {"upstream": ["people"], "__parents__": ["dbt-run"]}
    assert edges["unique_greetings_id"] == {"upstream": ["greetings"], "__parents__": ["dbt-test"]}


def test_a_node_has_its_own_log_lines(platform: Platform, seen: Seen) -> None:
    lines = platform.of_run("logs", seen.run["id"])
    for name, ending in (("greetings", "CREATE TABLE"), ("leaky", "FAIL 1"), ("people", "INSERT 3")):
        own = [one["message"] for one in lines if one["task_run_id"] == seen.nodes[name]["id"]]
        assert any("START" in line for line in own), name
        assert any(ending in line for line in own), name
        assert all(
            name in line or "Got 1 result" in line or "logged" in line or "compiled" in line for line in own
        )


def test_the_artifact_says_why_and_when(seen: Seen) -> None:
    text = seen.artifact["data"]
    assert "### test `leaky` (1 row)" in text
    blanked = "***** ***** ***** x-team=***** authorization=*****"
    assert f"| found | number |\n| --- | --- |\n| {blanked} http" in text
    assert f'select "{blanked} http://*****@127.0.0.1:' in text
    assert "no_such_function" in text
    assert text.count("](data:image/svg+xml;base64,") == 2


def test_logs_are_json_and_metrics_arrive(seen: Seen) -> None:
    lines = [json.loads(line) for line in seen.done.err.splitlines()]
    started = [line for line in lines if line.get("task_run_name") == "greetings"]
    assert started[0]["flow_run_id"] == seen.run["id"]
    assert started[0]["task_run_id"] == seen.nodes["greetings"]["id"]
    labels = {"target": "tiny", "command": "test", "kind": "test"}
    points = seen.sink.points()
    assert points["dbt.nodes", frozenset({**labels, "state": "pass"}.items())] == 4
    assert points["dbt.nodes", frozenset({**labels, "state": "fail"}.items())] == 1
    assert points["dbt.run.duration", frozenset({("target", "tiny"), ("state", "failed")})] > 1


def test_no_secret_is_anywhere(platform: Platform, seen: Seen) -> None:
    logs = platform.of_run("logs", seen.run["id"])
    assert any("logged ***** ***** *****" in line["message"] for line in logs)
    everything = {
        "task runs": json.dumps(platform.of_run("task_runs", seen.run["id"])),
        "flow run": json.dumps(seen.run),
        "logs": json.dumps(logs),
        "artifact": json.dumps(seen.artifact),
        "output": seen.done.out + seen.done.err,
        "record": seen.record,
        "metrics": b"".join(seen.sink.bodies).decode(errors="replace"),
    }
    assert [name for name, text in everything.items() if seen.marker in text or "planted-" in text] == []


def page(platform: Platform, path: str, directory: Path) -> str:
    """Return what a real browser makes of one of Prefect's pages."""
    assert BROWSER is not None
    url = f"{platform.prefect.removesuffix('/api')}/v2/{path}"
    command = [BROWSER, *FLAGS, f"--user-data-dir={directory}", "--dump-dom", url]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout


@pytest.mark.skipif(BROWSER is None, reason="no chromium or google-chrome on PATH")
def test_a_browser_shows_report_pictures_and_nodes(platform: Platform, seen: Seen, tmp_path: Path) -> None:
    shown = page(platform, f"artifacts/artifact/{seen.artifact['id']}", tmp_path / "one")
    assert "Slowest" in shown
    # The run over time, and the lineage.
    assert shown.count('src="data:image/svg+xml;base64,') == 2
    shown = page(platform, f"runs/flow-run/{seen.run['id']}?tab=TaskRuns", tmp_path / "two")
    assert "12 Task runs" in shown
    assert "people_history" in shown
