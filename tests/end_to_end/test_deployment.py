"""The deployment in a worker's hands, and who hears of it: a good run, a bad one, a late one."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import psutil
import pytest

from tests import processes, sink, tiny
from tests.asking import ask
from tests.checkout import Checkout
from tests.end_to_end import keyless, servers
from tests.sink import Sink

pytestmark = pytest.mark.real

DEPLOYMENT = "pipeline-dbt-complet/dbt-local"
Found = TypeVar("Found")


@pytest.fixture(scope="module")
def alerted() -> Iterator[Sink]:
    with sink.running() as found:
        yield found


@pytest.fixture(scope="module")
def deployed(project: Checkout, alerted: Sink) -> Checkout:
    """The local stack with a tiny dbt project, its alerts on the way to the sink."""
    settings = project.root / "Pulumi.local.yaml"
    shutil.rmtree(project.root / "dbt")
    shutil.copytree(tiny.DIRECTORY, project.root / "dbt")
    servers.create_block(project, "webhook", "sink", {"url": alerted.url})
    # What is no address of Slack's goes to Apprise, whose json:// is a POST to a server of one's own.
    servers.create_block(project, "slack-webhook", "sink", {"url": alerted.url.replace("http:", "json:")})
    text = settings.read_text()
    settings.write_text(text.replace("config:\n", "config:\n  projet-m2-bi:alertBlock: webhook/sink\n"))
    up = project.pulumi("up", "--yes", "--skip-preview")
    assert up.returncode == 0, up.stdout + up.stderr
    return project


def api(project: Checkout) -> str:
    return project.variables()["PREFECT_API_URL"]


@pytest.fixture(scope="module")
def worker(deployed: Checkout) -> Iterator[subprocess.Popen[bytes]]:
    """A worker as the stack says how to start one, anywhere but in the project.

    One for all tests, the last of which ends it: to start one takes 20 s of processor time, since it imports
    all of Prefect's integrations that are installed.
    """
    command = deployed.pulumi("stack", "output", "startAWorker").stdout
    # How often it asks for work, 10 s by itself, and looks at its pool, as the stack may change it.
    soon = {"PREFECT_WORKER_QUERY_SECONDS": "2", "PREFECT_WORKER_HEARTBEAT_SECONDS": "3"}
    with (deployed.root / "worker.log").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *shlex.split(command)],
            cwd="/",
            env=os.environ | deployed.variables() | soon,
            stdout=output,
            stderr=output,
        )
        try:
            yield process
        finally:
            processes.end(process, 60)


@contextmanager
def silent(worker: subprocess.Popen[bytes]) -> Iterator[None]:
    """The worker and what it has started stand still, as on a machine that nobody reaches any more."""
    process = psutil.Process(worker.pid)
    started = process.children(recursive=True)
    for one in (process, *started):
        with contextlib.suppress(psutil.NoSuchProcess):
            one.suspend()
    try:
        yield
    finally:
        for one in started:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        process.resume()


def newest(project: Checkout) -> dict[str, Any]:
    """The deployment's newest flow run."""
    query = {"sort": "START_TIME_DESC", "limit": 1, "deployments": {"name": {"any_": ["dbt-local"]}}}
    (found,) = servers.prefect(project, "/flow_runs/filter", query)
    return dict(found)


def run(project: Checkout) -> dict[str, Any]:
    """Let the worker run the deployment, and wait; the flow run."""
    created = create_run(project, {"type": "SCHEDULED"})
    until(lambda: state(project, created["id"]) & {"COMPLETED", "FAILED", "CRASHED"})
    return dict(ask("GET", f"{api(project)}/flow_runs/{created['id']}"))


def state(project: Checkout, run_id: str) -> set[str]:
    return {ask("GET", f"{api(project)}/flow_runs/{run_id}")["state"]["type"]}


def until(found: Callable[[], Found], seconds: float = 600.0) -> Found:
    """Wait until there is something, and return it."""
    deadline = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    return value


@pytest.mark.usefixtures("worker")
def test_a_worker_runs_the_deployment_and_a_failure_is_told(deployed: Checkout, alerted: Sink) -> None:
    # As the README says.
    command = ("prefect", "deployment", "run", DEPLOYMENT, "--watch", "--watch-timeout", "400")
    done = deployed.run(*command)
    good = newest(deployed)
    assert good["state"]["type"] == "COMPLETED", done.stdout + done.stderr
    assert good["parameters"] == {"target": "local", "wait_seconds": 3600}
    assert servers.rows(deployed, "demo_flights_local", "greetings") == 3
    # On a busy machine it may start late, which is told; nothing else is.
    assert not [body for body in alerted.bodies if json.loads(body)["state"] != "Late"]
    broken = deployed.root / "dbt" / "models" / "broken.sql"
    broken.write_text("select no_such_function(greeting) from {{ ref('greetings') }}")
    bad = run(deployed)
    broken.unlink()
    assert bad["state"]["type"] == "FAILED", bad["state"]["message"]
    told = json.loads(alerted.wait(lambda body: bad["id"] in body and '"Failed"' in body))
    page = api(deployed).removesuffix("/api")
    assert told == {
        "flow": "pipeline-dbt-complet",
        "target": "local",
        "run": bad["name"],
        "state": "Failed",
        "message": bad["state"]["message"],
        "link": f"{page}/runs/flow-run/{bad['id']}",
    }
    assert "dbt-run failed" in told["message"]
    assert "broken" in told["message"]


@pytest.fixture
def slow(deployed: Checkout) -> Iterator[Callable[..., tuple[str, str]]]:
    """Starts a run that a worker takes and whose query takes long; its id, and its BigQuery job's."""
    dbt = deployed.root / "dbt"
    model, log = dbt / "models" / "slow.sql", dbt / "logs" / "local" / "dbt.log"
    model.write_text(tiny.slow(4000))
    jobs = []

    def start(**job_variables: Any) -> tuple[str, str]:
        log.unlink(missing_ok=True)
        created = create_run(deployed, {"type": "SCHEDULED"}, job_variables, select="slow")
        # BigQuery has answered with a job that runs.
        started = r"model\.tiny\.slow.*j=bq:\w+:([0-9a-f-]{36})&"
        [job] = until(lambda: re.findall(started, log.read_text() if log.exists() else "", re.DOTALL))
        jobs.append(job)
        return created["id"], job

    yield start
    model.unlink()
    for job in jobs:
        # Where its run was killed, it would count on.
        path = f"/bigquery/v2/projects/{keyless.PROJECT}/jobs/{job}/cancel"
        keyless.google(deployed, "POST", path, {})


def create_run(
    project: Checkout, state: dict[str, Any], job_variables: dict[str, Any] | None = None, **parameters: Any
) -> dict[str, Any]:
    """A run of the deployment, for a worker to take."""
    deployment = ask("GET", f"{api(project)}/deployments/name/{DEPLOYMENT}")
    body = {
        "parameters": {"target": "local"} | parameters,
        "state": state,
        "job_variables": job_variables or {},
    }
    return dict(servers.prefect(project, f"/deployments/{deployment['id']}/create_flow_run", body))


@pytest.mark.usefixtures("worker")
def test_a_run_cancelled_in_prefect_stops_its_job(
    deployed: Checkout, slow: Callable[..., tuple[str, str]]
) -> None:
    run_id, job = slow()
    wish = {"state": {"type": "CANCELLING", "name": "Cancelling"}}
    servers.prefect(deployed, f"/flow_runs/{run_id}/set_state", wish)
    ended = until(lambda: state(deployed, run_id) - {"RUNNING", "CANCELLING"})
    assert ended == {"CANCELLED"}
    known = servers.google(deployed, f"/bigquery/v2/projects/demo-flights/jobs/{job}")
    assert known["status"]["errorResult"]["reason"] == "stopped"


def logs(project: Checkout, run_id: str) -> str:
    """What a flow run has logged so far."""
    query = {"logs": {"flow_run_id": {"any_": [run_id]}}}
    return "\n".join(line["message"] for line in servers.prefect(project, "/logs/filter", query))


@pytest.mark.usefixtures("worker")
def test_a_run_waits_for_one_from_the_command_line(deployed: Checkout) -> None:
    held = deployed.root / "dbt" / "target" / "local" / "running.json"
    command = [sys.executable, "-m", "flows.pipeline", "--target", "local", "--select", "people"]
    process = subprocess.Popen(
        command, cwd=deployed.root, env=deployed.variables(), stdout=subprocess.DEVNULL
    )
    try:
        until(lambda: held.exists() and f'"pid": {process.pid},' in held.read_text())
        # It holds the target for as long as the other needs to come to it.
        process.send_signal(signal.SIGSTOP)
        created = create_run(deployed, {"type": "SCHEDULED"}, select="people")
        until(lambda: "s for the target local, held by the flow run " in logs(deployed, created["id"]))
        assert state(deployed, created["id"]) == {"RUNNING"}
        process.send_signal(signal.SIGCONT)
        assert process.wait(600) == 0
        ended = until(lambda: state(deployed, created["id"]) - {"RUNNING"})
    finally:
        process.kill()
        process.wait()
    assert ended == {"COMPLETED"}


def test_a_crashed_run_is_told(
    worker: subprocess.Popen[bytes], alerted: Sink, slow: Callable[..., tuple[str, str]]
) -> None:
    run_id, _ = slow()
    children = psutil.Process(worker.pid).children(recursive=True)
    [flow_run] = [one for one in children if "prefect.engine" in one.cmdline()]
    flow_run.kill()
    told = json.loads(alerted.wait(lambda body: run_id in body and '"Crashed"' in body))
    assert (told["target"], told["state"]) == ("local", "Crashed")
    assert "status code: -9" in told["message"]
    assert told["link"].endswith(f"/runs/flow-run/{run_id}")


def test_a_run_whose_machine_is_gone_is_told(
    deployed: Checkout,
    worker: subprocess.Popen[bytes],
    alerted: Sink,
    slow: Callable[..., tuple[str, str]],
) -> None:
    query = {"automations": {"name": {"any_": ["dbt-local-lost"]}}}
    [automation] = servers.prefect(deployed, "/automations/filter", query)
    # Ten minutes are too long for a test.
    kept = {name: automation[name] for name in ("name", "tags", "trigger", "actions")}
    path = f"{api(deployed)}/automations/{automation['id']}"
    ask("PUT", path, kept | {"trigger": automation["trigger"] | {"within": 40}})
    run_id, _ = slow(env={"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"})
    with silent(worker):
        told = json.loads(alerted.wait(lambda body: run_id in body and '"Crashed"' in body))
        assert "its machine or its worker is gone" in told["message"]
        assert state(deployed, run_id) == {"CRASHED"}
    ask("PUT", path, kept)


def at(minutes: float) -> str:
    """The time in so many minutes."""
    return (datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=minutes)).isoformat()


def test_a_late_run_is_told(deployed: Checkout, worker: subprocess.Popen[bytes], alerted: Sink) -> None:
    # No worker takes it, so a run that was due a minute ago is late.
    due = {"scheduled_time": at(-1)}
    with silent(worker):
        created = create_run(deployed, {"type": "SCHEDULED", "state_details": due})
        told = json.loads(alerted.wait(lambda body: created["id"] in body))
        ask("DELETE", f"{api(deployed)}/flow_runs/{created['id']}")
    assert (told["target"], told["state"], told["run"]) == ("local", "Late", created["name"])
    assert told["link"].endswith(f"/runs/flow-run/{created['id']}")


def test_a_run_of_another_target_is_refused(deployed: Checkout) -> None:
    done = deployed.run("prefect", "deployment", "run", DEPLOYMENT, "--param", "target=prod")
    assert done.returncode != 0
    assert "'prod' is not one of ['local']" in done.stdout + done.stderr


@pytest.fixture(scope="module")
def commit(deployed: Checkout) -> str:
    """The copy as a repository with the project in it; its commit."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(deployed.root), "-c", "user.name=t", "-c", "user.email=t@example.com"]
        return subprocess.run(
            [*command, *arguments], check=True, capture_output=True, text=True
        ).stdout.strip()

    git("init", "--quiet")
    git("add", "--force", "flows", "dbt")
    git("commit", "--quiet", "--message", "as it is")
    return git("rev-parse", "HEAD")


@pytest.fixture(scope="module")
def scheduled(deployed: Checkout, commit: str) -> Checkout:
    """The same stack with a schedule, with runs that clone the project, and alerts to a block of text."""
    deployed.set_line("Pulumi.local.yaml", "projet-m2-bi:alertBlock", "slack-webhook/sink")
    keyless.configure(deployed, "schedule=* * * * *", f"codeRepository={deployed.root.as_uri()}")
    deployment = ask("GET", f"{api(deployed)}/deployments/name/{DEPLOYMENT}")
    [step] = deployment["pull_steps"]
    assert step["prefect.deployments.steps.git_clone"]["commit_sha"] == commit
    return deployed


@pytest.mark.usefixtures("worker")
def test_what_is_due_runs_at_the_commit_that_was_brought_up(scheduled: Checkout) -> None:
    # What comes later is not in it.
    later = scheduled.root / "dbt" / "models" / "later.sql"
    later.write_text("select nonsense(")
    query = {
        "deployments": {"name": {"any_": ["dbt-local"]}},
        "flow_runs": {"state": {"type": {"any_": ["COMPLETED", "FAILED", "CRASHED"]}}},
        "sort": "START_TIME_DESC",
    }

    def due() -> list[dict[str, Any]]:
        runs: list[dict[str, Any]] = servers.prefect(scheduled, "/flow_runs/filter", query)
        return [run for run in runs if run["auto_scheduled"]]

    [*_, run] = until(due)
    later.unlink()
    servers.prefect(scheduled, f"/deployments/{run['deployment_id']}/pause_deployment", {})
    assert run["state"]["type"] == "COMPLETED", run["state"]["message"]
    assert run["created_by"]["type"] == "SCHEDULE"
    assert run["parameters"] == {"target": "local", "wait_seconds": 3600}


def test_a_block_that_sends_text_is_told_the_same(scheduled: Checkout, alerted: Sink) -> None:
    created = create_run(scheduled, {"type": "SCHEDULED", "state_details": {"scheduled_time": at(60)}})
    reason = 'dbt-run failed: 1 of 3: greetings (Unrecognized name: "a" at [1:8])'
    failed = {"state": {"type": "FAILED", "name": "Failed", "message": reason}}
    servers.prefect(scheduled, f"/flow_runs/{created['id']}/set_state", failed)
    told = json.loads(alerted.wait(lambda body: created["id"] in body))
    assert told["title"] == "pipeline-dbt-complet on local: Failed"
    page = api(scheduled).removesuffix("/api")
    assert told["message"].splitlines() == [
        f"pipeline-dbt-complet on target local: run {created['name']} is Failed.",
        reason,
        f"{page}/runs/flow-run/{created['id']}",
    ]


def pools(project: Checkout) -> list[dict[str, Any]]:
    """The stack's work pool, where it is."""
    found = servers.prefect(project, "/work_pools/filter", {"work_pools": {"name": {"any_": ["dbt-local"]}}})
    return list(found)


def leftovers(project: Checkout) -> tuple[str, str]:
    """A pool as a worker makes it that finds none, and a deployment of the stack's name; their ids."""
    pool = servers.prefect(project, "/work_pools/", {"name": "dbt-local", "type": "process"})
    flow = servers.prefect(project, "/flows/", {"name": "pipeline-dbt-complet"})
    body = {"name": "dbt-local", "flow_id": flow["id"], "entrypoint": "flows.old.flow"}
    return pool["id"], servers.prefect(project, "/deployments/", body)["id"]


def test_destroy_takes_the_pool_from_a_worker_and_up_takes_over_what_is_left(
    deployed: Checkout, worker: subprocess.Popen[bytes]
) -> None:
    assert worker.poll() is None
    destroy = deployed.pulumi("destroy", "--yes", "--skip-preview")
    # It asks for its pool, and ends. A worker that may makes the pool anew.
    until(lambda: worker.poll() is not None or pools(deployed))
    remade = pools(deployed)
    for pool in remade:
        ask("DELETE", f"{api(deployed)}/work_pools/{pool['name']}")
    left = leftovers(deployed)
    settings = deployed.root / "Pulumi.local.yaml"
    lines = settings.read_text().splitlines(keepends=True)
    settings.write_text("".join(line for line in lines if "codeRepository" not in line))
    up = deployed.pulumi("up", "--yes", "--skip-preview")
    assert destroy.returncode == 0, destroy.stdout + destroy.stderr
    assert remade == []
    assert up.returncode == 0, up.stdout + up.stderr
    [pool] = pools(deployed)
    deployment = ask("GET", f"{api(deployed)}/deployments/name/{DEPLOYMENT}")
    assert (pool["id"], deployment["id"]) == left
    assert pool["description"] == "Runs dbt for local."
    assert deployment["entrypoint"] == "flows.pipeline.dbt_full_pipeline"
