"""The whole job on real engines, in order: made, no change, figures, restart, destroy, nothing left.

The marts, which dbt builds from the real data, are held against figures that Python works out from the same
files.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from google.cloud import bigquery

from demo import raw_data
from demo.tests import conftest, figures
from demo.tests.conftest import PROJECT
from tests import gateway
from tests.checkout import Checkout
from tests.end_to_end import servers, site

pytestmark = pytest.mark.real

BLOCKS = {"gcp-credentials-local", "bigquery-target-configs-local", "dbt-cli-profile-local"}
MARTS = "demo_flights_local"
DATASETS = {MARTS, f"{MARTS}_raw"}
MODELS = gateway.ROOT / "dbt" / "models" / "marts"
# NUMERIC is what the emulator makes of countif and of sums of integers, which BigQuery keeps as INT64.
TYPES = {"INTEGER": "INT64", "NUMERIC": "INT64", "FLOAT": "FLOAT64", "BOOL": "BOOLEAN"}
# Seeds, models and snapshots, and of the tests those of one table.
AGAIN = ("resource_type:seed", "resource_type:model", "resource_type:snapshot", "*_dim_carriers_*")


def ok(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def job(project: Checkout) -> Checkout:
    """The copy after `make demo`, from nothing."""
    done = ok(project.local("demo"))
    assert "Traceback" not in done
    [tested] = re.findall(r"^ +(dbt-test .*)$", done, re.MULTILINE)
    assert re.fullmatch(r"dbt-test +success +\d+ pass · [\d.]+ s", tested), tested
    return project


@pytest.fixture(scope="module")
def client(job: Checkout) -> Iterator[bigquery.Client]:
    variables = job.variables()
    owned = variables["BIGQUERY_API_ENDPOINT"], variables["GOOGLE_OAUTH_ACCESS_TOKEN"]
    with conftest.connect(owned, MARTS) as connected:
        yield connected


@pytest.fixture(scope="module")
def expected() -> figures.Figures:
    return figures.expected_figures(raw_data.fetch())


def declared(model: str) -> dict[str, Any]:
    (found,) = yaml.safe_load((MODELS / f"{model}.yml").read_text())["models"]
    return dict(found)


def test_the_job_makes_everything(job: Checkout) -> None:
    assert servers.block_names(job) == BLOCKS
    assert servers.datasets(job) == DATASETS
    assert servers.service_accounts(job) == {"dbt-local@demo-flights.iam.gserviceaccount.com"}
    newest = {
        "flows": {"name": {"any_": ["pipeline-dbt-complet"]}},
        "sort": "START_TIME_DESC",
        "limit": 1,
    }
    (run,) = servers.prefect(job, "/flow_runs/filter", newest)
    assert run["state"]["type"] == "COMPLETED"


def test_outputs_name_everything(job: Checkout) -> None:
    outputs = json.loads(ok(job.pulumi("stack", "output", "--json")))
    assert {outputs[name] for name in outputs if name.endswith("Block")} - {None} == BLOCKS
    assert {outputs["dataset"], outputs["rawDataset"]} == DATASETS
    assert outputs["serviceAccount"].startswith("dbt-local@")
    assert outputs["runTheFlow"] == "python -m flows.pipeline --target local"


def test_a_second_preview_and_refresh_show_no_change(job: Checkout) -> None:
    ok(job.pulumi("preview", "--expect-no-changes"))
    ok(job.pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes"))
    ok(job.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes"))


def test_raw_data_is_loaded_once(job: Checkout) -> None:
    again = ok(job.python("-m", "demo.ingest", "--target", "local"))
    assert again.endswith("0 of 5 tables loaded\n")
    assert servers.rows(job, "demo_flights_local_raw", "flights") == 336_776


def test_every_job_says_what_it_was_for(job: Checkout) -> None:
    failing = job.root / "dbt" / "tests" / "fails.sql"
    failing.write_text("select 7 as number")
    done = job.python("-m", "flows.pipeline", "--target", "local", "--select", "fails")
    failing.unlink()
    assert done.returncode == 1, done.stderr
    path = "/bigquery/v2/projects/demo-flights/jobs?allUsers=true&projection=full&maxResults=1000"
    jobs = servers.google(job, path)["jobs"]
    # dbt gives a seed's load job none, and loading is free (https://cloud.google.com/bigquery/pricing).
    billed = [one["configuration"] for one in jobs if "query" in one["configuration"]]
    others = [one for one in billed if one.get("labels", {}).get("target_name") != "local"]
    assert billed
    assert others == []
    labels = [one["configuration"].get("labels", {}) for one in jobs]
    assert "model_projet_m2_bi_fct_flights" in {one.get("node_id") for one in labels if "dbt_version" in one}
    ours = [(one["step"], one.get("node_id")) for one in labels if "step" in one]
    # Rows are data: none is asked for unless the stack says so.
    assert "failing-rows" not in {step for step, _ in ours}
    # Five tables are loaded, and looked at again by the second ingest.
    assert ours.count(("ingest", None)) == 10


def test_the_stack_switches_parts_of_the_flow(job: Checkout) -> None:
    switches = {"projet-m2-bi:freshness": "true", "projet-m2-bi:snapshots": "false"}
    for name, value in switches.items():
        ok(job.pulumi("config", "set", name, value))
    ok(job.pulumi("up", "--yes", "--skip-preview"))
    assert servers.block_names(job) == BLOCKS | {"dbt-cli-global-configs-local"}
    selected = ("--select", "stg_airlines", "carriers_snapshot")
    done = ok(job.python("-m", "flows.pipeline", "--target", "local", *selected, "--json"))
    report = json.loads(done)
    assert [node["name"] for node in report["run"]["nodes"]] == ["stg_airlines"]
    run_id = report["flow_run"].rpartition("/")[2]
    tasks = servers.prefect(job, "/task_runs/filter", {"flow_runs": {"id": {"any_": [run_id]}}})
    states = {task["name"].rpartition("-")[0]: task["state"]["type"] for task in tasks}
    assert states["dbt-freshness"] == "COMPLETED"
    for name in switches:
        ok(job.pulumi("config", "rm", name))
    ok(job.pulumi("up", "--yes", "--skip-preview"))
    assert servers.block_names(job) == BLOCKS


def test_the_marts_hold_what_the_files_say(client: bigquery.Client, expected: figures.Figures) -> None:
    found = figures.mart_figures(client, PROJECT, MARTS)
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-4)


@pytest.mark.parametrize("model", sorted(path.stem for path in MODELS.glob("*.sql")))
def test_columns_arrive_as_declared_and_described(client: bigquery.Client, model: str) -> None:
    fields = client.get_table(f"{PROJECT}.{MARTS}.{model}").schema
    found = {field.name: TYPES.get(field.field_type, field.field_type) for field in fields}
    columns = declared(model)["columns"]
    assert found == {column["name"]: column["data_type"].upper() for column in columns}
    assert all(field.description for field in fields)


def test_the_fact_table_is_partitioned_by_month(client: bigquery.Client) -> None:
    table = client.get_table(f"{PROJECT}.{MARTS}.fct_flights")
    assert table.time_partitioning is not None
    assert (table.time_partitioning.field, table.time_partitioning.type_) == ("flight_date", "MONTH")


def test_a_second_build_with_dbt_alone_gives_the_same(
    job: Checkout, client: bigquery.Client, expected: figures.Figures
) -> None:
    """What dbt warns of counts as an error."""
    dbt = "cd dbt && exec dbt --warn-error"
    chosen = " ".join(f"'{one}'" for one in AGAIN)
    build = f"{dbt} build --target local --indirect-selection empty --select {chosen}"
    ok(job.run("sh", "-c", build))
    results = json.loads((job.root / "dbt" / "target" / "run_results.json").read_text())["results"]
    statuses = {result["unique_id"].split(".")[2]: result["status"] for result in results}
    assert statuses["dim_carriers"] == "success"
    assert statuses["unique_dim_carriers_carrier_code"] == "pass"
    found = figures.mart_figures(client, PROJECT, MARTS)
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-4)
    # Loaded today, the data is fresh.
    ok(job.run("sh", "-c", f"{dbt} source freshness --target local"))
    assert (job.root / "dbt" / "target" / "sources.json").exists()
    ok(job.run("sh", "-c", "cd dbt && dbt docs generate --target local"))
    catalog = json.loads((job.root / "dbt" / "target" / "catalog.json").read_text())
    assert catalog["nodes"]["model.projet_m2_bi.fct_flights"]["columns"]


def test_the_documentation_is_served(job: Checkout) -> None:
    with site.served(job) as url:
        assert b"<title>dbt Docs</title>" in site.read(f"{url}/")[1]
        manifest = json.loads(site.read(f"{url}/manifest.json?cb=1")[1])
        catalog = json.loads(site.read(f"{url}/catalog.json")[1])
        assert catalog["sources"].keys() == manifest["sources"].keys()
        assert {name.partition(".")[0] for name in catalog["nodes"]} == {"model", "seed", "snapshot"}
        columns = catalog["nodes"]["model.projet_m2_bi.fct_flights"]["columns"]
        assert columns["distance_miles"]["comment"] == "Distance between the two airports, miles."
        for other in ("/graph.gpickle", "/partial_parse.msgpack", "/../run_results.json", "/nothing"):
            assert site.read(url + other)[0] == 404
        taken = job.python(*site.COMMAND, "--port", url.rpartition(":")[2])
    assert taken.returncode == 2
    assert "Address already in use" in taken.stderr.splitlines()[-1]


def test_with_bigquery_away_the_load_says_where_it_was_looked_for(job: Checkout) -> None:
    url = job.variables()["BIGQUERY_API_ENDPOINT"]
    job.stop("google")
    try:
        away = job.python("-m", "demo.ingest", "--target", "local")
    finally:
        ok(job.local("up"))
    assert away.returncode == 4
    assert url in away.stderr
    assert "Traceback" not in away.stderr


def test_a_restart_of_the_platform_loses_nothing(job: Checkout) -> None:
    ok(job.local("down"))
    assert job.local("status").returncode == 3
    ok(job.local("up"))
    ok(job.pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes"))
    ok(job.python("-m", "flows.pipeline", "--target", "local", "--select", "fct_flights"))
    assert servers.rows(job, "demo_flights_local", "fct_flights") > 300_000


def test_destroy_leaves_nothing(job: Checkout) -> None:
    before = servers.objects(job)
    assert {kind for kind, names in before.items() if names} == before.keys() - {"variables"}
    # The deployment has a limit of its own.
    assert "dbt-local" in before["v2/concurrency_limits"]
    ok(job.pulumi("destroy", "--yes", "--skip-preview"))
    assert servers.objects(job) == {kind: set() for kind in before}
    assert servers.datasets(job) == set()
    assert servers.service_accounts(job) == set()


def test_up_after_destroy_makes_it_all_again(job: Checkout) -> None:
    ok(job.pulumi("up", "--yes", "--skip-preview"))
    assert servers.block_names(job) == BLOCKS
