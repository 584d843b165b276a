"""A dbt project that is not the flights, brought in as docs/your-project.md says: all of it is real."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from typing import Any

import pytest

from local.paths import PROJECT as PROJECT_ROOT
from tests.checkout import Checkout
from tests.end_to_end import keyless
from tests.end_to_end.keyless import DBT, PROJECT, ok

pytestmark = pytest.mark.real

MAIN = "demo_flights_local"
KIOSK = "tests/flows/any_dbt"
LONG = "a_table_" + "with_a_long_name_" * 11 + "indee"
SCHEMAS = ("failures", "history", "landing", "marts", "staging")
WEATHER = "select date '2026-01-01' as day, true as sunny union all select date '2026-01-02', false"
# What the stack has to say, as the refused run and `flows.adopt` print it.
LINES = [
    *(
        f"  pulumi config set --path 'projet-m2-bi:datasets[{number}]' _{name} -s local"
        for number, name in enumerate(SCHEMAS)
    ),
    "  pulumi config set --path 'projet-m2-bi:readDatasets[0]' _town -s local",
    "  pulumi config set --path 'projet-m2-bi:grantingDatasets[0]' _marts -s local",
]
# Two of the 300 batches that there are.
TWO_DAYS = ("--event-time-start", "2026-01-01", "--event-time-end", "2026-01-03")


def query(project: Checkout, sql: str) -> list[list[Any]]:
    body = {"query": sql, "useLegacySql": False, "location": "EU"}
    answer = keyless.google(project, "POST", f"/bigquery/v2/projects/{PROJECT}/queries", body)
    return [[cell["v"] for cell in row["f"]] for row in answer.get("rows", [])]


def flow(project: Checkout, *options: str) -> subprocess.CompletedProcess[str]:
    return project.python("-m", "flows.pipeline", "--target", "local", *options)


def report(project: Checkout, *options: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(ok(flow(project, "--json", *options)))
    return found


def statuses(step: Mapping[str, Any]) -> dict[str, str]:
    return {node["name"]: node["status"] for node in step["nodes"]}


@pytest.fixture(scope="module")
def kiosk(project: Checkout) -> Checkout:
    """The copy with the other project in the place of dbt/, made before anybody has said what it needs."""
    shutil.rmtree(project.root / "dbt")
    shutil.copytree(PROJECT_ROOT / KIOSK, project.root / "dbt")
    ok(project.pulumi("up", "--yes", "--skip-preview"))
    return project


def jobs(project: Checkout) -> int:
    found = keyless.google(
        project, "GET", f"/bigquery/v2/projects/{PROJECT}/jobs?allUsers=true&maxResults=10000"
    )
    return len([job for job in found["jobs"] if job.get("user_email") == DBT])


def test_what_lacks_is_told_before_the_first_query(kiosk: Checkout) -> None:
    refused = flow(kiosk)
    assert refused.returncode == 3, refused.stderr
    assert (
        "asks for the environment variable KIOSK_TOWN, which is not set: `pulumi config set --path "
        "'projet-m2-bi:dbtEnvironment.KIOSK_TOWN' VALUE -s local`"
    ) in refused.stderr
    variables = {"KIOSK_TOWN": "Lyon"}
    words = ("-m", "flows.pipeline", "--target", "local", "--vars", "{python: true}")
    refused = kiosk.python(*words, env=variables)
    assert refused.returncode == 3, refused.stderr
    told = refused.stderr[refused.stderr.rindex("error: the target") :].splitlines()
    assert told[0] == "error: the target local lacks what this dbt project needs:"
    for name in (*SCHEMAS, "town"):
        assert told.count(f"  {DBT} may not see the dataset {PROJECT}.{MAIN}_{name}, if there is one") == 1
    assert "  the Python model forecast needs it: dbtProfile.gcs_bucket" in told
    assert [line for line in told if "pulumi config set" in line] == [
        *LINES,
        "  pulumi config set --path 'projet-m2-bi:dbtProfile.gcs_bucket' VALUE -s local",
        "  pulumi config set --path 'projet-m2-bi:dbtProfile.compute_region' VALUE -s local",
    ]
    assert told[-1].startswith("Then `pulumi up -s local`")
    assert jobs(kiosk) == 0


@pytest.fixture(scope="module")
def ready(kiosk: Checkout) -> Checkout:
    """The stack with what adopt writes, the variable that only its owner knows, and somebody's weather."""
    adopted = kiosk.python("-m", "flows.adopt", "--target", "local", "--write")
    assert adopted.returncode == 3, adopted.stderr
    assert adopted.stderr.splitlines()[-1].strip() == (
        "pulumi config set --path 'projet-m2-bi:dbtEnvironment.KIOSK_TOWN' VALUE -s local"
    )
    datasets = f"/bigquery/v2/projects/{PROJECT}/datasets"
    for name in ("town", "history"):
        reference = {"projectId": PROJECT, "datasetId": f"{MAIN}_{name}"}
        keyless.google(kiosk, "POST", datasets, {"datasetReference": reference, "location": "EU"})
    query(kiosk, f"create table {MAIN}_town.weather as {WEATHER}")
    # Somebody has made one of those that dbt writes to: the stack takes it as it is.
    ok(kiosk.pulumi("config", "set", "--path", "projet-m2-bi:existingDatasets[0]", "_history"))
    ok(kiosk.pulumi("config", "set", "--path", "projet-m2-bi:dbtEnvironment.KIOSK_TOWN", "Lyon"))
    ok(kiosk.pulumi("up", "--yes", "--skip-preview"))
    return kiosk


def test_it_is_built_and_tested_as_dbt_does(ready: Checkout) -> None:
    found = report(ready, "--build", "--threads", "2", *TWO_DAYS)
    models = ["by_day", "daily.v1", "daily.v2", "days", LONG, "receipts", "stg_products", "stg_weather"]
    assert statuses(found["run"]) == dict.fromkeys([*models, "prices", "products", "sales"], "success")
    assert statuses(found["test"]) == {
        "accepted_values_receipts_amount__False__1__2": "warn",
        "not_null_receipts_sale_id": "pass",
        "nothing_is_free": "pass",
        "receipts::a_receipt_costs_amount_times_price": "pass",
        "unique_receipts_sale_id": "pass",
    }
    tables = query(ready, f"select table_name from {MAIN}_failures.INFORMATION_SCHEMA.TABLES")
    assert ["accepted_values_receipts_amount__False__1__2"] in tables
    assert query(ready, f"select town, sunny from {MAIN}_marts.daily_v2 order by day") == [
        ["Lyon", "true"],
        ["Lyon", "false"],
    ]
    for table in ("opened", "_marts.hooked"):
        assert query(ready, f"select n from {MAIN}{table if table[0] == '_' else '.' + table}") == [["1"]]
    privileges = f"`region-EU`.INFORMATION_SCHEMA.OBJECT_PRIVILEGES where object_schema = '{MAIN}_marts'"
    assert query(ready, f"select grantee from {privileges} and object_name = 'daily_v2'") == [
        ["user:mayor@example.com"]
    ]


def test_a_selector_and_empty_tables(ready: Checkout) -> None:
    found = report(ready, "--selector", "history")
    # A seed that is read as a source is a parent, too.
    assert statuses(found["run"]) == dict.fromkeys(["products", "stg_products", "prices"], "success")
    assert found["test"]["nodes"] == []
    found = report(ready, "--select", "receipts", "--empty", "--exclude", "test_type:unit")
    assert statuses(found["run"]) == {"receipts": "success"}
    assert query(ready, f"select count(*) from {MAIN}_marts.receipts") == [["0"]]


def test_an_operation_runs_as_dbts_account(ready: Checkout) -> None:
    done = ready.python("-m", "flows.operation", "--target", "local", "refill", "--args", "{number: 7}")
    assert "refilled with 7" in ok(done) + done.stderr
    assert query(ready, f"select n from {MAIN}.refilled") == [["7"]]


def test_each_grant_that_is_taken_away_is_named_before_the_first_query(ready: Checkout) -> None:
    """On what dbt reads, writes and gives access in, each for itself."""
    weaker = {"town": None, "history": "READER", "marts": "WRITER"}
    kept = {}
    for name, role in weaker.items():
        path = f"/bigquery/v2/projects/{PROJECT}/datasets/{MAIN}_{name}"
        kept[path] = keyless.google(ready, "GET", path)["access"]
        own = [{"role": role, "userByEmail": DBT}] if role else []
        others = [entry for entry in kept[path] if entry.get("userByEmail") != DBT]
        keyless.google(ready, "PATCH", path, {"access": [*others, *own]})
    ran = jobs(ready)
    refused = flow(ready)
    for path, access in kept.items():
        keyless.google(ready, "PATCH", path, {"access": access})
    assert refused.returncode == 3, refused.stderr
    assert refused.stderr[refused.stderr.rindex("error: the target") :].splitlines() == [
        "error: the target local lacks what this dbt project needs:",
        f"  {DBT} may not make tables in the dataset {PROJECT}.{MAIN}_history",
        f"  {DBT} may not see the dataset {PROJECT}.{MAIN}_town, if there is one",
        f"  {DBT} may not give access in the dataset {PROJECT}.{MAIN}_marts",
        "Make it so with `pulumi up -s local` (add `--refresh` if it was removed or changed outside Pulumi).",
    ]
    assert jobs(ready) == ran
