"""The program under Pulumi's mocks: what it declares, without an engine."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import yaml

from local.paths import PROJECT
from tests.infra.loops import event_loops
from tests.infra.program import SECRET, Recorder, declared, settings

DBT = "serviceAccount:dbt-dev@demo-flights.iam.gserviceaccount.com"


@pytest.fixture(scope="module")
def loop() -> Iterator[None]:
    with event_loops():
        yield


@pytest.fixture(scope="module")
def made(loop: None) -> Recorder:
    return declared(threads=3)


def test_two_datasets_are_declared(made: Recorder) -> None:
    datasets = made.inputs("gcp:bigquery/dataset:Dataset")
    assert {found["datasetId"] for found in datasets} == {"demo_flights_dev", "demo_flights_dev_raw"}
    assert {found["location"] for found in datasets} == {"EU"}
    assert not any(found["deleteContentsOnDestroy"] for found in datasets)
    assert not any("defaultTableExpirationMs" in found for found in datasets)


def test_dbts_account_sees_names_of_all_datasets_where_a_setting_says_so(loop: None) -> None:
    found = declared(projectMetadata=True)
    roles = {one["role"] for one in found.inputs("gcp:projects/iAMMember:IAMMember")}
    assert roles == {"roles/bigquery.jobUser", "roles/bigquery.metadataViewer"}
    assert found.grants() == declared().grants()


def test_dbts_account_gets_just_the_three_roles_it_needs(made: Recorder) -> None:
    [on_project] = made.inputs("gcp:projects/iAMMember:IAMMember")
    assert (on_project["role"], on_project["member"]) == ("roles/bigquery.jobUser", DBT)
    assert made.grants() == {
        ("demo-flights.demo_flights_dev", "roles/bigquery.dataEditor", DBT),
        ("demo-flights.demo_flights_dev_raw", "roles/bigquery.dataViewer", DBT),
    }


def test_nothing_but_the_program_names_is_declared(made: Recorder) -> None:
    counts: dict[str, int] = {}
    for args in made.made:
        counts[args.typ] = counts.get(args.typ, 0) + 1
    assert {kind.rpartition(":")[2]: n for kind, n in counts.items() if kind.startswith("gcp:")} == {
        "Account": 1,
        "Dataset": 2,
        "DatasetIamMember": 2,
        "IAMMember": 1,
        "Key": 1,
    }
    assert sum(n for kind, n in counts.items() if kind.startswith("dbt:infra:")) == 9
    assert sum(counts.values()) == 7 + 9 + 9


def test_runs_of_the_target_share_one_slot_and_those_of_the_deployment_wait_for_it(made: Recorder) -> None:
    limit = made.named("limit")
    wanted = {"name": "dbt-dev", "limit": 1, "active": True, "slot_decay_per_second": 0}
    assert wanted.items() <= limit.items()
    # Nobody's is taken over unasked; what somebody switches off is switched on.
    assert not limit["adopt"]
    assert limit["manage_state"]
    deployment = made.named("deployment")
    assert deployment["parameters"] == {"target": "dev", "wait_seconds": 3600}
    assert "job_variables" not in deployment


def test_dbts_extras_hold_only_what_is_set() -> None:
    usual = {"location": "EU", "job_execution_timeout_seconds": 600, "job_retries": 1}
    assert settings().profile_extras == usual
    limited = settings(maximumBytesBilled=5, bigqueryEndpoint="http://127.0.0.1:1/bigquery/v2/")
    assert limited.profile_extras["maximum_bytes_billed"] == 5
    assert limited.profile_extras["api_endpoint"] == "http://127.0.0.1:1"


def test_a_switch_is_in_a_block_only_where_it_is_not_the_default(made: Recorder) -> None:
    assert settings().flow_extras == {}
    switched = settings(seeds=False, freshness=True, showFailingRows=True)
    assert switched.flow_extras == {"seeds": False, "freshness": True, "show_failing_rows": True}
    assert "dbt-cli-global-configs" not in {args.name for args in made.made}


def test_the_profile_is_the_one_that_the_dbt_project_asks_for(made: Recorder) -> None:
    own = yaml.safe_load((PROJECT / "dbt" / "dbt_project.yml").read_text())["profile"]
    assert made.data("dbt-cli-profile")["name"] == own


def test_another_dbt_project_is_told_to_the_flow() -> None:
    found = settings(dbtProjectDir="tests/flows/tiny_dbt")
    assert found.flow_extras == {"project_dir": "tests/flows/tiny_dbt"}


def test_dbts_further_settings_reach_its_target_and_the_grant_that_one_needs(loop: None) -> None:
    made = declared(dbtProfile={"execution_project": "demo-billing", "priority": "batch"})
    extras = made.data("bigquery-target-configs")["extras"]
    assert (extras["execution_project"], extras["priority"]) == ("demo-billing", "batch")
    # Jobs are made there and nowhere else.
    [on_project] = made.inputs("gcp:projects/iAMMember:IAMMember")
    assert (on_project["project"], on_project["role"]) == ("demo-billing", "roles/bigquery.jobUser")


def test_dbts_variables_are_in_a_secret_block_that_the_flow_is_told_of(loop: None) -> None:
    made = declared(dbtEnvironment={"REGION": "north", "LIMIT": 7})
    block = made.named("dbt-environment")
    assert SECRET in block["data"]
    assert (block["block_type"], block["block_name"]) == ("secret", "dbt-environment-dev")
    assert json.loads(made.data("dbt-environment")["value"]) == {
        "variables": {"REGION": "north", "LIMIT": "7"},
        "secret": [],
    }
    extras = made.data("dbt-cli-global-configs")["extras"]
    assert extras == {"environment_block": "dbt-environment-dev"}
    elsewhere = [args.inputs for args in made.made if args.name != "dbt-environment"]
    assert "north" not in repr(elsewhere)


def test_further_deployments_share_pool_slot_and_automations(loop: None) -> None:
    hourly = {
        "name": "hourly",
        "select": "tag:hourly",
        "schedules": [
            {"cron": "0 * * * *", "timeZone": "Europe/Paris"},
            {"cron": "0 3 * * 0", "parameters": {"full_refresh": True}},
        ],
    }
    made = declared(deployments=[hourly], schedule="0 2 * * *")
    own, further = made.named("deployment"), made.named("deployment-hourly")
    assert (own["name"], further["name"]) == ("dbt-dev", "dbt-dev-hourly")
    assert own["work_pool_name"] == further["work_pool_name"] == "dbt-dev"
    assert further["parameters"] == {"target": "dev", "wait_seconds": 3600, "select": "tag:hourly"}
    assert further["schedules"] == {
        "scheduled-1": {"cron": "0 * * * *", "timezone": "Europe/Paris"},
        "scheduled-2": {"cron": "0 3 * * 0", "timezone": "UTC", "parameters": {"full_refresh": True}},
    }
    assert own["schedules"] == {"scheduled": {"cron": "0 2 * * *", "timezone": "UTC"}}
    assert len([args for args in made.made if args.name == "limit"]) == 1
    heard = made.named("lost-runs")["trigger"]["match_related"]["prefect.resource.id"]
    ids = {"prefect.deployment.deployment-id", "prefect.deployment.deployment-hourly-id"}
    assert set(heard) == ids


def test_a_prefix_is_in_every_name_and_known_to_runs(loop: None) -> None:
    made = declared(namePrefix="sales", dbtEnvironment={"A": "b"}, alertBlock="slack-webhook/x", seeds=False)
    names = {
        str(args.inputs[key])
        for args in made.made
        for key in ("block_name", "name", "accountId")
        if key in args.inputs and args.name != "alert-block"
    }
    assert names == {
        "sales-dbt-dev",
        "sales-dbt-dev-alerts",
        "sales-dbt-dev-lost",
        "sales-gcp-credentials-dev",
        "sales-bigquery-target-configs-dev",
        "sales-dbt-cli-profile-dev",
        "sales-dbt-cli-global-configs-dev",
        "sales-dbt-environment-dev",
    }
    assert made.named("deployment")["job_variables"] == {"env": {"STACK_NAME_PREFIX": "sales"}}
    assert made.outputs["runTheFlow"] == "STACK_NAME_PREFIX=sales python -m flows.pipeline --target dev"
    assert made.outputs["startAWorker"].startswith("prefect worker start --pool sales-dbt-dev ")
