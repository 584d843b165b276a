"""Whole runs of `python -m flows.pipeline` between faulty proxies, or killed; what must hold after each."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests import faults, forks
from tests.asking import ask
from tests.faults import Plan
from tests.flows import elsewhere, sent_blocks, servers
from tests.flows.microbatches import MACRO, YEARS
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

LIMIT_SECONDS = 420.0
ROWS = 100
BATCH = ROWS // len(YEARS)
UNFINISHED = ["SCHEDULED", "PENDING", "RUNNING", "PAUSED", "CANCELLING"]
# How each table is filled: rebuilt whole, loaded, added to by MERGE, batch by batch, or by a hook.
_TABLES = {
    "rebuilt": (
        "models/rebuilt.sql",
        "{{ config(materialized='table', event_time='happened_at') }}\n"
        "select VERSION as version, n,\n"
        f"    timestamp(date({YEARS[0]} + mod(n, {len(YEARS)}), 5, 1)) as happened_at\n"
        "from unnest(generate_array(1, 100)) as n\n",
    ),
    "above": (
        "models/above.sql",
        "{{ config(materialized='table') }}\nselect version, n from {{ ref('rebuilt') }}\n",
    ),
    "added": (
        "models/added.sql",
        "{{ config(materialized='incremental', unique_key='id') }}\n"
        "select VERSION * 1000 + n as id, VERSION as version, n from unnest(generate_array(1, 100)) as n\n",
    ),
    "batched": (
        "models/batched.sql",
        "{{ config(materialized='incremental', incremental_strategy='microbatch', batch_size='year',\n"
        f"    event_time='happened_at', begin='{YEARS[0]}-01-01', lookback={len(YEARS)},\n"
        "    partition_by={'field': 'happened_at', 'data_type': 'timestamp', 'granularity': 'year'}) }}\n"
        "select version, n, happened_at from {{ ref('rebuilt') }}\n",
    ),
    # After the tables alone: a hook runs after the tests, too, which would hide that it was forgotten.
    "hooked": (
        "macros/hooked.sql",
        "{% macro hooked() %}{% if flags.WHICH != 'test' %}\n"
        "create or replace table {{ target.schema }}.hooked as\n"
        "select VERSION as version, n from unnest(generate_array(1, 100)) as n{% endif %}{% endmacro %}\n",
    ),
    "loaded": ("seeds/loaded.csv", "version,n\n" + "".join(f"VERSION,{n}\n" for n in range(1, ROWS + 1))),
    "history": (
        "snapshots/history.yml",
        "snapshots:\n  - name: history\n    relation: ref('rebuilt')\n"
        "    config: {strategy: check, unique_key: n, check_cols: [version]}\n",
    ),
}
_GROWING = {"added", "history"}
_PROJECT = """
name: faulty
version: "1.0"
profile: projet_m2_bi
on-run-start: ["select 1"]
on-run-end: ["{{ hooked() }}"]
"""
# What is old or new as a whole: a table, or a batch of one. Its table, which rows, and how many.
PARTS = {name: (name, "true", ROWS) for name in _TABLES if name != "batched"} | {
    f"batched {year}": ("batched", f"extract(year from happened_at) = {year}", BATCH) for year in YEARS
}
_TESTS = "models:\n  - name: rebuilt\n    columns:\n      - name: n\n        data_tests: [unique]\n"


@dataclass
class Run:
    """What came of one run. ``wrong`` says what must not be, in words; empty if all is as it should."""

    seed: int
    code: int | None
    seconds: float
    faults: Counter[str]
    wrong: list[str]
    output: str


class Lane:
    """One target with its dataset, its dbt project and its two proxies; one run at a time."""

    def __init__(self, target: str, directory: Path, prefect: faults.Proxy, bigquery: faults.Proxy) -> None:
        self.target, self.project = target, directory / target
        self.prefect, self.bigquery = prefect, bigquery
        self.version = 0
        self.home = directory / f"home-{target}"
        self.home.mkdir()
        for directory_name in ("models", "seeds", "snapshots", "macros"):
            (self.project / directory_name).mkdir(parents=True)
        (self.project / "dbt_project.yml").write_text(_PROJECT)
        (self.project / "models" / "models.yml").write_text(_TESTS)
        (self.project / "macros" / "microbatch.sql").write_text(MACRO)

    def run(self, seed: int, outages: Sequence[float]) -> Run:
        """Put the next version of each table through the faults of ``seed``; every fourth is scheduled."""
        return self.run_with(seed, *plans(seed, outages), scheduled=seed % 4 == 3)

    def run_with(
        self,
        seed: int,
        prefect: Plan,
        bigquery: Plan,
        *,
        scheduled: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> Run:
        """Put the next version of each table through the faults of two plans.

        ``scheduled`` is as a worker starts it: the run is in Prefect before its process. ``environment`` is
        added to that of the process.
        """
        before, known = self._next_version()
        words = self._scheduled() if scheduled else self._words()
        self.prefect.plan, self.bigquery.plan = prefect, bigquery
        start = time.monotonic()
        code, output = self._run(words, environment=environment)
        seconds = time.monotonic() - start
        counts = +Counter(
            {
                f"{name}: {fault}": number
                for name, server in (("prefect", self.prefect), ("bigquery", self.bigquery))
                for fault, number in server.plan.counts.items()
            }
        )
        self.prefect.plan, self.bigquery.plan = Plan(), Plan()
        wrong = wrong_ending(code, output, scheduled=scheduled)
        runs = [run for run in self.flow_runs() if run["id"] not in known]
        if scheduled and code is not None:
            # The code is of Prefect's process around the run; what Prefect says is what others hear.
            code = int(not any(run["state_type"] == "COMPLETED" for run in runs))
            runs = [as_the_worker_reports(run) for run in runs]
        wrong += wrong_tables(code, self.version, before, self.tables())
        wrong += wrong_record(code, runs, self.unfinished_tasks(runs))
        return Run(seed, code, seconds, counts, wrong, output)

    def kill(self, seed: int) -> Run:
        """Kill a run of the next version (`kill -9`), then let `--resume` finish it.

        Every second one is killed within a second of its first work in BigQuery, the others at any time.
        """
        before, known = self._next_version()
        start = time.monotonic()
        killed, printed = self._run(self._words(), until=lambda: self._moment(seed))
        wrong = wrong_tables(killed, self.version, before, self.tables())
        was_quicker = any(
            run["state_type"] == "COMPLETED" for run in self.flow_runs() if run["id"] not in known
        )
        code, output = self._run(self._words("--resume"))
        # Killed before it began to record, or not before its end: there is nothing to resume.
        nothing = code == 2
        if nothing and not was_quicker:
            code, output = self._run(self._words())
        seconds = time.monotonic() - start
        runs = [run for run in self.flow_runs() if run["id"] not in known]
        states = Counter(str(run["state_type"]) for run in runs)
        wrong += wrong_tables(0, self.version, before, self.tables())
        if code != (2 if was_quicker else 0):
            wrong.append(f"--resume ended with {code}")
        if states["COMPLETED"] != 1 or states["RUNNING"]:
            wrong.append(f"Prefect says {dict(states)}")
        wrong += [f"Prefect holds a task run that is {state}" for state in self.unfinished_tasks(runs)]
        how = "ended before" if was_quicker else "began anew" if nothing else "resumed"
        return Run(seed, code, seconds, Counter({how: 1}), wrong, printed + output)

    def _next_version(self) -> tuple[dict[str, dict[int, tuple[int, int]]], set[str]]:
        """Write the next version of each table; the tables as they are, and the runs that there are."""
        before = self.tables() if self.version else {}
        self.version += 1
        for path, text in _TABLES.values():
            (self.project / path).write_text(text.replace("VERSION", str(self.version)))
        return before, {run["id"] for run in self.flow_runs()}

    def _moment(self, seed: int) -> None:
        """Wait until it is time to kill."""
        chance, began = random.Random(seed), time.time()
        record = self.project / "target" / self.target / "finished.jsonl"
        if seed % 2:
            time.sleep(chance.uniform(2.0, 9.0))
            return
        while time.time() < began + LIMIT_SECONDS:
            if record.exists() and record.stat().st_mtime > began:
                break
            time.sleep(0.02)
        time.sleep(chance.uniform(0.0, 1.0))

    def _words(self, *options: str) -> list[str]:
        return elsewhere.words(self.project, "--target", self.target, *options)

    def _scheduled(self) -> list[str]:
        """Make a run of a deployment, and return the command by which a worker starts it."""
        host, port = self.prefect.upstream
        api = f"http://{host}:{port}/api"
        flow = ask("POST", f"{api}/flows/", {"name": "pipeline-dbt-complet"})
        here = {"prefect.deployments.steps.set_working_directory": {"directory": str(self.project)}}
        deployment = {
            "name": f"dbt-{self.target}",
            "flow_id": flow["id"],
            "entrypoint": "flows.pipeline.dbt_full_pipeline",
            "parameters": {"target": self.target},
            "pull_steps": [here],  # without it, Prefect would copy the whole directory it is started in
        }
        made = ask("POST", f"{api}/deployments/", deployment)
        run = ask("POST", f"{api}/deployments/{made['id']}/create_flow_run", {})
        return [sys.executable, "-m", "prefect", "flow-run", "execute", str(run["id"])]

    def _run(
        self,
        words: list[str],
        until: Callable[[], None] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> tuple[int | None, str]:
        """Run the flow; its exit code, None if it did not end or was killed ``until`` then, and its words."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT", "DBT"))}
        ours = {
            "PREFECT_API_URL": self.prefect.url,
            "PREFECT_HOME": str(self.home),
            "PYTHONPATH": str(servers.ROOT),
            "DBT_PROJECT_DIR": str(self.project),
        }
        env = {**kept, **ours, **(environment or {})}
        # What is killed may be killed as it starts.
        start = forks.Forked if until is None and forks.can(words) else subprocess.Popen
        with tempfile.TemporaryFile("w+") as output:
            process = start(words, env=env, cwd=servers.ROOT, stdout=output, stderr=output)

            def kill(moment: Callable[[], None]) -> None:
                moment()
                process.kill()

            if until:
                threading.Thread(target=kill, args=(until,), daemon=True).start()
            try:
                code = process.wait(LIMIT_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                code = process.wait()
            output.seek(0)
            return (None if code == -signal.SIGKILL else code), output.read()

    def tables(self) -> dict[str, dict[int, tuple[int, int]]]:
        """For each part that exists: version -> (rows, different rows). Asked for without the proxy."""
        found = {name: self._versions(table, rows) for name, (table, rows, _) in PARTS.items()}
        return {name: versions for name, versions in found.items() if versions}

    def _versions(self, table: str, rows: str) -> dict[int, tuple[int, int]]:
        host, port = self.bigquery.upstream
        base = f"http://{host}:{port}/bigquery/v2/projects/demo-flights"
        dataset = f"demo_flights_{self.target}"
        tables = ask("GET", f"{base}/datasets/{dataset}/tables").get("tables", [])
        if table not in {entry["tableReference"]["tableId"] for entry in tables}:
            return {}
        counted = "select version, count(*), count(distinct n)"
        sql = f"{counted} from {dataset}.{table} where {rows} group by version"
        answer = ask("POST", f"{base}/queries", {"query": sql, "useLegacySql": False})
        counts = [[int(cell["v"]) for cell in row["f"]] for row in answer.get("rows", [])]
        return {version: (count, different) for version, count, different in counts}

    def flow_runs(self) -> list[dict[str, Any]]:
        host, port = self.prefect.upstream
        body = {"sort": "EXPECTED_START_TIME_DESC", "limit": 50}
        runs = ask("POST", f"http://{host}:{port}/api/flow_runs/filter", body)
        return [run for run in runs if run["parameters"].get("target") == self.target]

    def unfinished_tasks(self, runs: list[dict[str, Any]]) -> list[str]:
        """Name and state of each task run of these flow runs that has not ended, a few seconds later.

        Its states reach the server as events, which it writes down some time after the process has ended.
        """
        host, port = self.prefect.upstream
        states = {"state": {"type": {"any_": UNFINISHED}}}
        body = {"flow_runs": {"id": {"any_": [run["id"] for run in runs]}}, "task_runs": states}
        for _ in range(20):
            found = ask("POST", f"http://{host}:{port}/api/task_runs/filter", body)
            if not found:
                break
            time.sleep(0.5)
        return sorted(f"{task['name']} {task['state_type']}" for task in found)


def plans(seed: int, outages: Sequence[float]) -> tuple[Plan, Plan]:
    """The faults of a seed before Prefect and BigQuery; ``outages`` are possible lengths in seconds."""
    chance = random.Random(seed)
    prefect = Plan(seed, share=chance.choice((0.0, 0.03, 0.1, 0.25)), slow=chance.choice((0.5, 3.0)))
    bigquery = Plan(seed + 1, share=chance.choice((0.0, 0.03, 0.1, 0.2)), slow=chance.choice((0.5, 3.0)))
    prefect.faults, bigquery.faults = faults.FAULTS, faults.BIGQUERY_FAULTS
    away = chance.choice((None, prefect, bigquery, prefect))
    if away:
        away.gone_at, away.gone = chance.randint(2, 14), chance.choice(outages)
    bigquery.token_lives = chance.choice((None, 0.5, 2.0))
    return prefect, bigquery


def wrong_ending(code: int | None, output: str, *, scheduled: bool = False) -> list[str]:
    """A run ends in time, with a documented code, and says why without a traceback.

    A scheduled one has only to end: code and words are of Prefect's process around it.
    """
    wrong = []
    if code is None:
        return [f"no end within {LIMIT_SECONDS:.0f} s"]
    if scheduled:
        return []
    if code not in {0, 1, 4}:
        wrong.append(f"exit code {code}")
    if code and "error: " not in output and " failed " not in output:
        wrong.append("no error is named")
    if "Traceback (most recent call last)" in output:
        wrong.append("a traceback")
    return wrong


def wrong_tables(
    code: int | None,
    version: int,
    before: dict[str, dict[int, tuple[int, int]]],
    after: dict[str, dict[int, tuple[int, int]]],
) -> list[str]:
    """A table, or a batch of one, is as it was, or new and whole. It is new if the run says so."""
    wrong = []
    for table, (_, _, rows) in PARTS.items():
        kept = before.get(table, {}) if table in _GROWING else {}
        new = {**kept, version: (rows, rows)}
        found = after.get(table)
        if found != new and (code == 0 or found != before.get(table)):
            wrong.append(f"the table {table} was {before.get(table)}, is {found}")
    return wrong


def as_the_worker_reports(run: dict[str, Any]) -> dict[str, Any]:
    """A run that Prefect's own process has not begun: the worker that started it reports that as a crash.

    Source: prefect 3.9.1, `ProcessWorker` in prefect/workers/process.py.
    """
    not_begun = run["state_name"] == "Scheduled"
    return {**run, "state_type": "CRASHED", "state_name": "Crashed"} if not_begun else run


def wrong_record(code: int | None, runs: list[dict[str, Any]], tasks: list[str]) -> list[str]:
    """Prefect's record: nothing is left unfinished, and it says what the exit code says.

    ``tasks`` are those of the runs' task runs that are unfinished.
    """
    states = sorted(run["state_type"] for run in runs)
    wrong = [f"Prefect holds a run that is {state}" for state in states if state in UNFINISHED]
    wrong += [f"Prefect holds a task run that is unfinished: {task}" for task in tasks]
    if ("COMPLETED" in states) != (code == 0):
        wrong.append(f"exit code {code}, but Prefect says {states}")
    return wrong


@contextmanager
def lanes(directory: Path, number: int) -> Iterator[list[Lane]]:
    """Run a Prefect server and a BigQuery emulator, with as many targets as asked for."""
    for name in ("prefect", "bigquery", "home"):
        (directory / name).mkdir()
    with ExitStack() as stack:
        bigquery = stack.enter_context(servers.bigquery(directory / "bigquery"))
        prefect = stack.enter_context(servers.prefect_server(directory / "prefect", free_port()))
        token_url = stack.enter_context(servers.answering(lambda _method, _path: (200, faults.issue_token())))
        made = []
        for index in range(number):
            before_prefect = stack.enter_context(faults.proxy(prefect))
            before_bigquery = stack.enter_context(faults.proxy(bigquery))
            made.append(Lane(f"lane{index}", directory, before_prefect, before_bigquery))
            body = {
                "datasetReference": {
                    "projectId": "demo-flights",
                    "datasetId": f"demo_flights_{made[-1].target}",
                },
                "location": "EU",
            }
            ask("POST", f"{bigquery}/bigquery/v2/projects/demo-flights/datasets", body)
        pem = sent_blocks.private_key()
        for lane in made:
            sent_blocks.send(prefect, lane.target, lane.bigquery.url, token_url, pem)
        yield made


def line(run: Run) -> str:
    """One line about a run."""
    spoiled = {name: number for name, number in sorted(run.faults.items()) if "requests" not in name}
    verdict = "; ".join(run.wrong) or "as it should be"
    return (
        f"seed {run.seed}: exit code {run.code} after {run.seconds:.0f} s, {json.dumps(spoiled)}: {verdict}"
    )
