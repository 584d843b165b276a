"""Runs that meet, that are stopped, and that are killed: on a real Prefect, dbt, and BigQuery emulator."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests import faults, forks, tiny
from tests.asking import ask
from tests.faults import Plan, Request
from tests.flows import elsewhere, servers
from tests.flows.conftest import Platform
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.real


class Run:
    """`python -m flows.pipeline` in the background."""

    def __init__(self, platform: Platform, project: Path, target: str, *options: str) -> None:
        self.project = project
        self.target = target
        self.log = project.parent / f"stderr-{time.monotonic_ns()}"
        self.out = self.log.with_suffix(".out")
        command = elsewhere.words(project, "--target", target, *options)
        with self.log.open("wb") as err, self.out.open("wb") as out:
            self.process = forks.Forked(
                command, env=platform.environment(), cwd=servers.ROOT, stdout=out, stderr=err
            )

    def wait_until(self, reached: Callable[[str], object], seconds: float = 300.0) -> None:
        """Wait until what the run has printed, or the log of dbt, satisfies ``reached``."""
        deadline = time.monotonic() + seconds
        while not reached(self.printed + self.dbt_log):
            assert self.process.poll() is None, self.printed
            assert time.monotonic() < deadline, self.printed
            time.sleep(0.1)

    def end(self, seconds: float = 120.0) -> int:
        return self.process.wait(seconds)

    @property
    def printed(self) -> str:
        return self.log.read_text()

    @property
    def dbt_log(self) -> str:
        path = self.project / "logs" / self.target / "dbt.log"
        return path.read_text() if path.exists() else ""

    @property
    def flow_run(self) -> str:
        [found] = set(re.findall(r"runs/flow-run/([0-9a-f-]{36})", self.printed))
        return str(found)


@contextmanager
def started(platform: Platform, project: Path, target: str, *options: str) -> Iterator[Run]:
    run = Run(platform, project, target, *options)
    try:
        yield run
    finally:
        run.process.kill()
        run.process.wait()


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """A project of this test alone."""
    return shutil.copytree(tiny.DIRECTORY, tmp_path / "dbt")


def state(platform: Platform, flow_run: str) -> str:
    return str(ask("GET", f"{platform.prefect}/flow_runs/{flow_run}")["state"]["name"])


def test_a_killed_run_is_resumed_and_recorded_as_crashed(platform: Platform, fresh: Path) -> None:
    record = fresh / "target" / "tiny" / "finished.jsonl"
    with started(platform, fresh, "tiny") as run:
        run.wait_until(lambda _: record.exists() and b'"name": "greetings"' in record.read_bytes())
        run.process.kill()
        run.end()
    assert state(platform, run.flow_run) == "Running"
    done = {json.loads(line)["node"]["name"] for line in record.read_bytes().splitlines()[1:]}
    assert {"people", "greetings"} <= done
    with started(platform, fresh, "tiny", "--resume", "--json") as resumed:
        assert resumed.end() == 0, resumed.printed
    report = json.loads(resumed.out.read_text())
    nodes = [*report["run"]["nodes"], *report["test"]["nodes"]]
    assert {node["name"] for node in nodes if node.get("earlier")} == done
    started_now = {line for line in resumed.printed.splitlines() if " START " in line}
    assert len(started_now) == len(nodes) - len(done)
    assert not any("seed file" in line for line in started_now)
    assert report["run"]["counts"] == {"success": 4}
    # The dead run neither held the target nor stayed "running".
    assert state(platform, run.flow_run) == "Crashed"


@contextmanager
def executed(platform: Platform, project: Path, flow_run: str) -> Iterator[subprocess.Popen[bytes]]:
    """Let Prefect's engine execute a flow run that was created before."""
    entrypoint = "flows.pipeline.dbt_full_pipeline"
    env = platform.environment(PREFECT__FLOW_ENTRYPOINT=entrypoint, DBT_PROJECT_DIR=str(project))
    command = [sys.executable, "-m", "prefect.engine", flow_run]
    with (project / "engine.log").open("ab") as log:
        process = subprocess.Popen(command, env=env, cwd=servers.ROOT, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_crashed_run_that_is_retried_in_prefect_stays_running_until_its_end(
    platform: Platform, fresh: Path
) -> None:
    slow, held = fresh / "models" / "slow.sql", fresh / "target" / "tiny" / "running.json"
    slow.write_text(platform.slow(5))
    flow = ask("POST", f"{platform.prefect}/flows/", {"name": "pipeline-dbt-complet"})
    wanted = {"flow_id": flow["id"], "parameters": {"target": "tiny", "select": "slow"}}
    flow_run = ask("POST", f"{platform.prefect}/flow_runs/", wanted)["id"]
    with executed(platform, fresh, flow_run) as first:
        deadline = time.monotonic() + 300
        while not (held.exists() and '"lease": "' in held.read_text()):
            assert first.poll() is None, (fresh / "engine.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.1)
    # The worker reports it, and somebody clicks on Retry.
    for wish in ({"type": "CRASHED", "name": "Crashed"}, {"type": "SCHEDULED", "name": "AwaitingRetry"}):
        body = {"state": wish, "force": True}
        ask("POST", f"{platform.prefect}/flow_runs/{flow_run}/set_state", body)
    slow.write_text("select 1 as id")
    with executed(platform, fresh, flow_run) as second:
        assert second.wait(300) == 0, (fresh / "engine.log").read_text()
    states = ask("GET", f"{platform.prefect}/flow_run_states/?flow_run_id={flow_run}")
    names = [one["name"] for one in sorted(states, key=lambda one: str(one["timestamp"]))]
    assert names[-1] == "Completed"
    assert names.count("Crashed") == 1, names


class Held(Plan):
    """Keeps each job that is sent to BigQuery back until it may go."""

    def __init__(self) -> None:
        super().__init__()
        self.may_go = threading.Event()

    def next(self, request: Request) -> str:
        if request.method == "POST" and request.path.partition("?")[0].endswith("/jobs"):
            self.may_go.wait(240)
        return super().next(request)


@contextmanager
def released(plan: Held) -> Iterator[None]:
    try:
        yield
    finally:
        plan.may_go.set()


def test_a_second_run_waits_or_is_refused(platform: Platform, fresh: Path, tmp_path: Path) -> None:
    (fresh / "models" / "alone.sql").write_text("select 1 as id")
    elsewhere = shutil.copytree(fresh, tmp_path / "elsewhere")
    reference = {"projectId": "demo-flights", "datasetId": "demo_flights_held"}
    datasets = f"{platform.bigquery}/bigquery/v2/projects/demo-flights/datasets"
    ask("POST", datasets, {"datasetReference": reference, "location": "EU"})
    plan = Held()
    with faults.proxy(platform.bigquery, plan) as bigquery, servers.tokens() as tokens, released(plan):
        copy_blocks(platform, "tiny", "held", bigquery.url, tokens)
        with started(platform, fresh, "held", "--select", "alone") as first:
            first.wait_until(lambda text: " START " in text)
            with (
                started(platform, fresh, "held") as refused,
                started(platform, elsewhere, "held", "--select", "alone", "--wait", "200") as waiting,
            ):
                assert refused.end() == 5
                pid = first.process.pid
                assert f"held by the flow run {first.flow_run}, the process {pid} on" in refused.printed
                # Another machine, as far as files go: it knows the flow run from Prefect.
                told = f"for the target held, held by the flow run {first.flow_run}\n"
                waiting.wait_until(lambda text: told in text)
                assert first.process.poll() is None
                plan.may_go.set()
                assert waiting.end(240) == 0
                assert first.end(1) == 0
    assert state(platform, refused.flow_run) == "Failed"
    limit = ask("GET", f"{platform.prefect}/v2/concurrency_limits/dbt-held")
    assert limit["active_slots"] == 0


@pytest.fixture(scope="module")
def gateway(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The local platform's BigQuery, whose jobs can be cancelled. The target `stop` uses it."""
    directory = tmp_path_factory.mktemp("gateway")
    url = f"http://127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "local.google", f"--port={url.rsplit(':', 1)[1]}"]
    command += [f"--bigquery={platform.bigquery}", f"--state={directory}", "--project=demo-flights"]
    with servers.process(command, f"{url}/health", directory / "log", {"PYTHONPATH": str(servers.ROOT)}):
        token = (directory / "owner-token").read_text().strip()
        answer = {**servers.TOKEN, "access_token": token}
        with servers.answering(lambda _method, _path: (200, answer)) as tokens:
            copy_blocks(platform, "tiny", "stop", url, tokens)
            reference = {"projectId": "demo-flights", "datasetId": "demo_flights_stop"}
            datasets = f"{url}/bigquery/v2/projects/demo-flights/datasets"
            authorised(datasets, token, {"datasetReference": reference, "location": "EU"})
            (directory / "token").write_text(token)
            yield f"{url} {token}"


def authorised(url: str, token: str, body: Any = None) -> Any:
    import urllib.request  # noqa: PLC0415

    data = None if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
    with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=60) as response:
        return json.loads(response.read())


def copy_blocks(platform: Platform, source: str, target: str, endpoint: str, tokens: str) -> None:
    """Make the blocks of ``target`` from those of ``source``, with another BigQuery."""
    made: dict[str, str] = {}
    for block_type, name, field in (
        ("gcp-credentials", "gcp-credentials", ""),
        ("dbt-cli-bigquery-target-configs", "bigquery-target-configs", "credentials"),
        ("dbt-cli-profile", "dbt-cli-profile", "target_configs"),
    ):
        path = f"block_types/slug/{block_type}/block_documents/name/{name}-{source}?include_secrets=true"
        document = ask("GET", f"{platform.prefect}/{path}")
        data = document["data"]
        if block_type == "gcp-credentials":
            data["service_account_info"]["token_uri"] = f"{tokens}/token"
        elif block_type == "dbt-cli-profile":
            data["target"] = target
        else:
            data["schema"] = f"demo_flights_{target}"
            data["extras"]["api_endpoint"] = endpoint
        if field:
            data[field] = {"$ref": {"block_document_id": made[field]}}
        kept = {key: document[key] for key in ("block_type_id", "block_schema_id")}
        created = ask(
            "POST", f"{platform.prefect}/block_documents/", {"name": f"{name}-{target}", "data": data, **kept}
        )
        made["credentials" if block_type == "gcp-credentials" else "target_configs"] = created["id"]


def jobs_of_models(run: Run) -> set[str]:
    """The ids of BigQuery's jobs since the last model has started, from dbt's log."""
    return set(re.findall(r"j=bq:\w+:([0-9a-f-]{36})&", run.dbt_log.rpartition(" START ")[2]))


@pytest.mark.parametrize(
    ("how", "code", "ends", "said"),
    [
        ("SIGINT", 130, "Crashed", "interrupted"),
        ("SIGTERM", 143, "Crashed", "terminated"),
        ("cancel", 143, "Cancelled", "cancelled in Prefect"),
    ],
)
def test_a_stopped_run_stops_its_jobs(
    platform: Platform, gateway: str, fresh: Path, how: str, code: int, ends: str, said: str
) -> None:
    # A wish in Prefect is looked for every three seconds; this emulator finishes what is stopped.
    sql = platform.slow(12 if how == "cancel" else 4)
    for name in ("slow", "slow_too"):
        (fresh / "models" / f"{name}.sql").write_text(sql)
    url, token = gateway.split()
    with started(platform, fresh, "stop", "--select", "slow", "slow_too", "--json") as run:
        # BigQuery has answered with two jobs that run, each on a thread of its own.
        run.wait_until(lambda _: len(jobs_of_models(run)) == 2)
        if how == "cancel":
            wish = {"state": {"type": "CANCELLING", "name": "Cancelling"}}
            ask("POST", f"{platform.prefect}/flow_runs/{run.flow_run}/set_state", wish)
        else:
            os.kill(run.process.pid, getattr(signal, how))
        assert run.end() == code, run.printed
    assert "Traceback" not in run.printed
    assert run.printed.splitlines()[-1] == f"error: {said}"
    told = json.loads(run.out.read_text())
    assert told["exit_code"] == code
    assert told["flow_run"].endswith(run.flow_run)
    for job in jobs_of_models(run):
        known = authorised(f"{url}/bigquery/v2/projects/demo-flights/jobs/{job}", token)
        assert known["status"]["errorResult"]["reason"] == "stopped", job
    assert state(platform, run.flow_run) == ends
    assert (fresh / "target" / "stop" / "running.json").read_text() == ""
    # The emulator finishes cancelled queries all the same: not beside the next test.
    assert platform.query("select 1") == [["1"]]
