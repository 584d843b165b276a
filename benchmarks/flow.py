"""`python -m benchmarks.flow`: five ways to run the same dbt project, side by side; two of them cold as well.

All against one real Prefect server and one real BigQuery emulator, as whole processes, one after the other in
each round, medians. Warm, each way keeps its partial parse; cold, it begins with an empty `target`, as a
container does. No way but this project's own keeps the key out of a file: the others get a
`profiles.yml` that holds it, as their users write it, in a temporary directory.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from benchmarks import generated_dbt, measured
from benchmarks.measured import CommandFailedError, Usage
from tests.asking import ask
from tests.flows import elsewhere, servers
from tests.ports import free_port

TARGET = "bench"
BARE = "dbt build"
OURS = "python -m flows.pipeline"
COLD = ", empty target"
LIMIT_SECONDS = 900.0

_DBT_CORE_OPERATION = """
import sys
from prefect import flow, task
from prefect_dbt.cli.commands import DbtCoreOperation

def operation(command):
    project, profiles = sys.argv[1:]
    return DbtCoreOperation(commands=[command], project_dir=project, profiles_dir=profiles).run()

@task
def dbt_run():
    operation("dbt run")

@task
def dbt_test():
    operation("dbt test")

@flow
def pipeline():
    dbt_run()
    dbt_test()

pipeline()
"""
_PREFECT_DBT_RUNNER = """
import sys
from prefect import flow
from prefect_dbt import PrefectDbtRunner, PrefectDbtSettings

@flow
def pipeline():
    settings = PrefectDbtSettings(project_dir=sys.argv[1], profiles_dir=sys.argv[2])
    PrefectDbtRunner(settings=settings).invoke(["build"])

pipeline()
"""


@dataclass
class Platform:
    """The servers, and what a process needs to find them. ``profiles`` is the `profiles.yml` with the key."""

    prefect: str
    bigquery: str
    profiles: Path
    home: Path

    def environment(self) -> dict[str, str]:
        """The environment of every way."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT", "DBT"))}
        return {
            **kept,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', '')}",
            "PYTHONPATH": str(servers.ROOT),
            "PREFECT_API_URL": self.prefect,
            "PREFECT_HOME": str(self.home),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        }


@contextmanager
def platform(directory: Path) -> Iterator[Platform]:
    """Run the servers and save the blocks of the target `bench`."""
    for name in ("prefect", "bigquery", "home", "profiles"):
        (directory / name).mkdir()
    port = free_port()
    made = Platform(f"http://127.0.0.1:{port}/api", "", directory / "profiles", directory / "home")
    with ExitStack() as stack, ThreadPoolExecutor() as pool:
        prefect = pool.submit(stack.enter_context, servers.prefect_server(directory / "prefect", port))
        token_url = stack.enter_context(servers.tokens())
        made.bigquery = stack.enter_context(servers.bigquery(directory / "bigquery"))
        command = [sys.executable, "-m", "tests.flows.save_blocks", token_url, f"{TARGET}={made.bigquery}"]
        saved = subprocess.run(
            command,
            check=True,
            env=made.environment(),
            cwd=servers.ROOT,
            stdout=subprocess.PIPE,
            text=True,
            timeout=LIMIT_SECONDS,
        )
        prefect.result()
        dataset = f"demo_flights_{TARGET}"
        body = {
            "datasetReference": {"projectId": "demo-flights", "datasetId": dataset},
            "location": "EU",
        }
        ask("POST", f"{made.bigquery}/bigquery/v2/projects/demo-flights/datasets", body)
        pem = json.loads(saved.stdout.splitlines()[-1])
        _write_profiles(made, pem, token_url, dataset)
        yield made


def _write_profiles(made: Platform, pem: str, token_url: str, dataset: str) -> None:
    output = {
        "type": "bigquery",
        "method": "service-account-json",
        "project": "demo-flights",
        "schema": dataset,
        "location": "EU",
        "threads": 4,
        "job_retries": 1,
        "api_endpoint": made.bigquery,
        "keyfile_json": {
            "type": "service_account",
            "project_id": "demo-flights",
            "private_key_id": "0123",
            "private_key": pem,
            "client_email": f"dbt-{TARGET}@demo-flights.iam.gserviceaccount.com",
            "client_id": "1",
            "token_uri": f"{token_url}/token",
        },
    }
    profile = {"projet_m2_bi": {"target": TARGET, "outputs": {TARGET: output}}}
    path = made.profiles / "profiles.yml"
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(profile))


def ways(made: Platform, projects: Path) -> dict[str, list[str]]:
    """Return the command of each way. Each has a copy of the project, and so a partial parse, of its own."""

    def at(name: str) -> str:
        return str(projects / name)

    profiles = str(made.profiles)
    where = f'--project-dir "{at("shell")}" --profiles-dir "{profiles}" --no-use-colors'
    python = sys.executable
    return {
        BARE: ["dbt", "build", "--project-dir", at("bare"), "--profiles-dir", profiles, "--no-use-colors"],
        "dbt run && dbt test": ["sh", "-c", f"dbt run {where} && dbt test {where}"],
        "DbtCoreOperation, two tasks": [python, "-c", _DBT_CORE_OPERATION, at("operation"), profiles],
        "PrefectDbtRunner": [python, "-c", _PREFECT_DBT_RUNNER, at("runner"), profiles],
        OURS: elsewhere.words(projects / "ours", "--target", TARGET),
        BARE + COLD: [
            "dbt",
            "build",
            "--project-dir",
            at("cold"),
            "--profiles-dir",
            profiles,
            "--no-use-colors",
        ],
        OURS + COLD: elsewhere.words(projects / "cold", "--target", TARGET),
    }


def measure(
    made: Platform, directory: Path, nodes: int, rounds: int, only: list[str], without: list[str]
) -> None:
    """Run each way once to warm it up, then ``rounds`` times; print each run, the medians and the ratios."""
    for name in ("bare", "shell", "operation", "runner", "ours", "cold"):
        generated_dbt.write(directory / name, nodes)
    commands = {
        name: command
        for name, command in ways(made, directory).items()
        if (not only or any(part in name for part in only)) and not any(part in name for part in without)
    }
    usages: dict[str, list[Usage]] = {name: [] for name in commands}
    print(f"\n{nodes} nodes, half of them tests", flush=True)
    for number in range(rounds + 1):
        print(f"  round {number} of {rounds}" + ("" if number else " (warms up, not counted)"), flush=True)
        for name, command in commands.items():
            if name.endswith(COLD):
                shutil.rmtree(directory / "cold" / "target", ignore_errors=True)
            try:
                usage = measured.run(
                    command, made.environment(), directory, directory / "output.log", LIMIT_SECONDS
                )
            except CommandFailedError as error:
                raise SystemExit(f"{name}: {error}") from error
            print(f"    {name:40} {usage.seconds:7.2f} s", flush=True)
            if number:
                usages[name].append(usage)
    print("\n".join(report(usages)), flush=True)


def report(usages: dict[str, list[Usage]]) -> list[str]:
    """Return the lines of a table: medians of each way, and their ratios to bare `dbt build`."""
    columns = ("seconds", "cpu_seconds", "mebibytes")
    medians = {
        name: [statistics.median(getattr(usage, column) for usage in found) for column in columns]
        for name, found in usages.items()
    }
    lines = [
        f"  {'medians':40} {'seconds':>8} {'lowest':>7} {'highest':>7} {'CPU s':>7} {'MiB':>6}"
        f"   ratios to {BARE}: seconds, CPU, memory"
    ]
    for name, (seconds, cpu, memory) in medians.items():
        spread = [usage.seconds for usage in usages[name]]
        line = f"  {name:40} {seconds:8.2f} {min(spread):7.2f} {max(spread):7.2f} {cpu:7.2f} {memory:6.0f}"
        bare = BARE + COLD if name.endswith(COLD) else BARE
        if bare in medians:
            ratios = [mine / theirs for mine, theirs in zip(medians[name], medians[bare], strict=True)]
            line += "   " + " ".join(f"{ratio:6.2f}" for ratio in ratios)
        lines.append(line)
    return lines


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.flow", description=__doc__)
    parser.add_argument("--nodes", type=int, nargs="+", default=[6, 230], help="sizes of the projects")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="+", default=[], help="ways whose name holds one of these words")
    parser.add_argument("--without", nargs="+", default=[], help="ways whose name holds none of these words")
    options = parser.parse_args()
    if options.rounds < 1 or min(options.nodes) < 1:
        parser.error("--rounds and --nodes are 1 or more")
    with tempfile.TemporaryDirectory() as root:
        directory = Path(root)
        print("starting a Prefect server and a BigQuery emulator", flush=True)
        with platform(directory) as made:
            for nodes in options.nodes:
                where = directory / f"nodes-{nodes}"
                measure(made, where, nodes, options.rounds, options.only, options.without)
    print(f"\n{os.cpu_count()} cores; all servers are ended")


if __name__ == "__main__":
    main()
