"""The whole job on real engines, in order: up, no change, load, flow, restart, destroy, nothing left."""

from __future__ import annotations

import contextlib
import json
import subprocess

import pytest
from google.cloud import bigquery
from google.oauth2.credentials import Credentials

from demo.tests import figures
from tests.checkout import Checkout
from tests.end_to_end import servers, site

pytestmark = pytest.mark.real

BLOCKS = {"gcp-credentials-local", "bigquery-target-configs-local", "dbt-cli-profile-local"}
DATASETS = {"demo_flights_local", "demo_flights_local_raw"}


def ok(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def test_up_makes_everything(project: Checkout) -> None:
    ok(project.pulumi("up", "--yes", "--skip-preview"))
    assert servers.block_names(project) == BLOCKS
    assert servers.datasets(project) == DATASETS
    assert servers.service_accounts(project) == {"dbt-local@demo-flights.iam.gserviceaccount.com"}


def test_outputs_name_everything(project: Checkout) -> None:
    outputs = json.loads(ok(project.pulumi("stack", "output", "--json")))
    assert {outputs[name] for name in outputs if name.endswith("Block")} - {None} == BLOCKS
    assert {outputs["dataset"], outputs["rawDataset"]} == DATASETS
    assert outputs["serviceAccount"].startswith("dbt-local@")
    assert outputs["runTheFlow"] == "python -m flows.pipeline --target local"


def test_a_second_preview_and_refresh_show_no_change(project: Checkout) -> None:
    ok(project.pulumi("preview", "--expect-no-changes"))
    ok(project.pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes"))
    ok(project.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes"))


def test_raw_data_is_loaded_once(project: Checkout) -> None:
    ok(project.python("-m", "demo.ingest", "--target", "local"))
    again = project.python("-m", "demo.ingest", "--target", "local")
    ok(again)
    assert servers.rows(project, "demo_flights_local_raw", "flights") == 336_776


def test_the_flow_builds_and_tests_everything(project: Checkout) -> None:
    done = ok(project.python("-m", "flows.pipeline", "--target", "local"))
    assert "Traceback" not in done
    newest = {
        "flows": {"name": {"any_": ["pipeline-dbt-complet"]}},
        "sort": "START_TIME_DESC",
        "limit": 1,
    }
    (run,) = servers.prefect(project, "/flow_runs/filter", newest)
    assert run["state"]["type"] == "COMPLETED"


def test_every_job_says_what_it_was_for(project: Checkout) -> None:
    failing = project.root / "dbt" / "tests" / "fails.sql"
    failing.write_text("select 7 as number")
    done = project.python("-m", "flows.pipeline", "--target", "local", "--select", "fails")
    failing.unlink()
    assert done.returncode == 1, done.stderr
    path = "/bigquery/v2/projects/demo-flights/jobs?allUsers=true&projection=full&maxResults=1000"
    jobs = servers.google(project, path)["jobs"]
    # dbt gives a seed's load job none, and loading is free (https://cloud.google.com/bigquery/pricing).
    billed = [job["configuration"] for job in jobs if "query" in job["configuration"]]
    others = [one for one in billed if one.get("labels", {}).get("target_name") != "local"]
    assert billed
    assert others == []
    labels = [job["configuration"].get("labels", {}) for job in jobs]
    assert "model_projet_m2_bi_fct_flights" in {one.get("node_id") for one in labels if "dbt_version" in one}
    ours = [(one["step"], one.get("node_id")) for one in labels if "step" in one]
    # Rows are data: none is asked for unless the stack says so.
    assert "failing-rows" not in {step for step, _ in ours}
    # Five tables are loaded, and looked at again by the second ingest.
    assert ours.count(("ingest", None)) == 10


def test_the_stack_switches_parts_of_the_flow(project: Checkout) -> None:
    switches = {"projet-m2-bi:freshness": "true", "projet-m2-bi:snapshots": "false"}
    for name, value in switches.items():
        ok(project.pulumi("config", "set", name, value))
    ok(project.pulumi("up", "--yes", "--skip-preview"))
    assert servers.block_names(project) == BLOCKS | {"dbt-cli-global-configs-local"}
    selected = ("--select", "stg_airlines", "carriers_snapshot")
    done = ok(project.python("-m", "flows.pipeline", "--target", "local", *selected, "--json"))
    report = json.loads(done)
    assert [node["name"] for node in report["run"]["nodes"]] == ["stg_airlines"]
    run_id = report["flow_run"].rpartition("/")[2]
    tasks = servers.prefect(project, "/task_runs/filter", {"flow_runs": {"id": {"any_": [run_id]}}})
    states = {task["name"].rpartition("-")[0]: task["state"]["type"] for task in tasks}
    assert states["dbt-freshness"] == "COMPLETED"
    for name in switches:
        ok(project.pulumi("config", "rm", name))
    ok(project.pulumi("up", "--yes", "--skip-preview"))
    assert servers.block_names(project) == BLOCKS


def test_the_marts_hold_what_the_csv_files_say(project: Checkout) -> None:
    expected = figures.expected_figures(project.root / ".local" / "data")
    variables = project.variables()
    client = bigquery.Client(
        project="demo-flights",
        credentials=Credentials(variables["GOOGLE_OAUTH_ACCESS_TOKEN"]),
        client_options={"api_endpoint": variables["BIGQUERY_API_ENDPOINT"]},
    )
    with contextlib.closing(client):
        found = figures.mart_figures(client, "demo-flights", "demo_flights_local")
    assert found == pytest.approx(expected)


def test_dbt_works_without_prefect(project: Checkout) -> None:
    ok(project.run("sh", "-c", "cd dbt && dbt build --target local --select dim_carriers"))
    ok(project.run("sh", "-c", "cd dbt && dbt docs generate --target local"))
    catalog = json.loads((project.root / "dbt" / "target" / "catalog.json").read_text())
    assert catalog["nodes"]["model.projet_m2_bi.fct_flights"]["columns"]


def test_the_documentation_is_served(project: Checkout) -> None:
    with site.served(project) as url:
        assert b"<title>dbt Docs</title>" in site.read(f"{url}/")[1]
        manifest = json.loads(site.read(f"{url}/manifest.json?cb=1")[1])
        catalog = json.loads(site.read(f"{url}/catalog.json")[1])
        assert catalog["sources"].keys() == manifest["sources"].keys()
        assert {name.partition(".")[0] for name in catalog["nodes"]} == {"model", "seed", "snapshot"}
        columns = catalog["nodes"]["model.projet_m2_bi.fct_flights"]["columns"]
        assert columns["distance_miles"]["comment"] == "Distance between the two airports, miles."
        for other in ("/graph.gpickle", "/partial_parse.msgpack", "/../run_results.json", "/nothing"):
            assert site.read(url + other)[0] == 404
        taken = project.python(*site.COMMAND, "--port", url.rpartition(":")[2])
    assert taken.returncode == 2
    assert "Address already in use" in taken.stderr.splitlines()[-1]


def test_with_bigquery_away_the_load_says_where_it_was_looked_for(project: Checkout) -> None:
    url = project.variables()["BIGQUERY_API_ENDPOINT"]
    project.stop("google")
    try:
        away = project.python("-m", "demo.ingest", "--target", "local")
    finally:
        ok(project.local("up"))
    assert away.returncode == 4
    assert url in away.stderr
    assert "Traceback" not in away.stderr


def test_a_restart_of_the_platform_loses_nothing(project: Checkout) -> None:
    ok(project.local("down"))
    assert project.local("status").returncode == 3
    ok(project.local("up"))
    ok(project.pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes"))
    ok(project.python("-m", "flows.pipeline", "--target", "local", "--select", "fct_flights"))
    assert servers.rows(project, "demo_flights_local", "fct_flights") > 300_000


def test_destroy_leaves_nothing(project: Checkout) -> None:
    before = servers.objects(project)
    assert {kind for kind, names in before.items() if names} == before.keys() - {"variables"}
    # The deployment has a limit of its own.
    assert "dbt-local" in before["v2/concurrency_limits"]
    ok(project.pulumi("destroy", "--yes", "--skip-preview"))
    assert servers.objects(project) == {kind: set() for kind in before}
    assert servers.datasets(project) == set()
    assert servers.service_accounts(project) == set()


def test_up_after_destroy_makes_it_all_again(project: Checkout) -> None:
    ok(project.pulumi("up", "--yes", "--skip-preview"))
    assert servers.block_names(project) == BLOCKS
