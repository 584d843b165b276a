"""The program under Pulumi's mocks: what it declares, without an engine."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pulumi
import pytest

from infra.blocks import Blocks, dbt_extras, flow_switches
from infra.deployments import Deployments
from infra.identity import Identity
from infra.settings import Settings
from infra.warehouse import Warehouse
from tests.infra.loops import event_loops

KEY = {"type": "service_account", "client_email": "dbt-dev@demo-flights.iam.gserviceaccount.com"}


class Recorder(pulumi.runtime.Mocks):
    """Answers as the service would and remembers what was asked for."""

    def __init__(self) -> None:
        self.made: list[pulumi.runtime.MockResourceArgs] = []

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        self.made.append(args)
        outputs = dict(args.inputs)
        if args.typ == "gcp:serviceaccount/account:Account":
            outputs["email"] = f"{args.inputs['accountId']}@demo-flights.iam.gserviceaccount.com"
            outputs["name"] = f"projects/demo-flights/serviceAccounts/{outputs['email']}"
        if args.typ == "gcp:serviceaccount/key:Key":
            outputs["privateKey"] = base64.b64encode(json.dumps(KEY).encode()).decode()
            # An old key: a new one would be tried.
            outputs["validAfter"] = "2020-01-01T00:00:00Z"
        return f"{args.name}-id", outputs

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        return {}, None

    def inputs(self, token: str) -> list[dict[str, Any]]:
        return [args.inputs for args in self.made if args.typ == token]


@pytest.fixture(scope="module")
def loop() -> Iterator[None]:
    with event_loops():
        yield


@pytest.fixture(scope="module")
def made(loop: None) -> Recorder:
    recorder = Recorder()
    pulumi.runtime.set_mocks(recorder, project="projet-m2-bi", stack="dev", preview=False)

    config = Settings.model_validate(
        {"environment": "dev", "project": "demo-flights", "dataset": "demo_flights_dev", "threads": 3}
    )

    def declare() -> pulumi.Output[Any]:
        warehouse = Warehouse("warehouse", config)
        identity = Identity("identity", config, warehouse)
        blocks = Blocks("blocks", config, warehouse, identity)
        deployments = Deployments("deployments", config, identity, blocks)
        return pulumi.Output.all(
            blocks.profile.urn, blocks.credentials.urn, deployments.deployment.urn, deployments.limit.urn
        )

    pulumi.runtime.test(declare)()  # type: ignore[no-untyped-call]
    return recorder


def test_two_datasets_are_declared(made: Recorder) -> None:
    datasets = made.inputs("gcp:bigquery/dataset:Dataset")
    assert {found["datasetId"] for found in datasets} == {"demo_flights_dev", "demo_flights_dev_raw"}
    assert {found["location"] for found in datasets} == {"EU"}
    assert not any(found["deleteContentsOnDestroy"] for found in datasets)
    assert not any("defaultTableExpirationMs" in found for found in datasets)


def test_dbts_account_gets_just_the_three_roles_it_needs(made: Recorder) -> None:
    on_project = made.inputs("gcp:projects/iAMMember:IAMMember")
    on_datasets = made.inputs("gcp:bigquery/datasetIamMember:DatasetIamMember")
    assert [found["role"] for found in on_project] == ["roles/bigquery.jobUser"]
    assert {(found["datasetId"], found["role"]) for found in on_datasets} == {
        ("demo_flights_dev", "roles/bigquery.dataEditor"),
        ("demo_flights_dev_raw", "roles/bigquery.dataViewer"),
    }
    members = {found["member"] for found in [*on_project, *on_datasets]}
    assert members == {"serviceAccount:dbt-dev@demo-flights.iam.gserviceaccount.com"}


def test_nothing_but_the_program_names_is_declared(made: Recorder) -> None:
    counts: dict[str, int] = {}
    for args in made.made:
        counts[args.typ] = counts.get(args.typ, 0) + 1
    assert sum(counts.values()) == 17
    assert counts["gcp:serviceaccount/key:Key"] == 1


def test_runs_of_the_target_share_one_slot_and_those_of_the_deployment_wait_for_it(made: Recorder) -> None:
    [limit] = (args.inputs for args in made.made if args.name == "limit")
    wanted = {"name": "dbt-dev", "limit": 1, "active": True, "slot_decay_per_second": 0}
    assert wanted.items() <= limit.items()
    # What an earlier run of the flow has made is taken over; what somebody switches off is switched on.
    assert limit["adopt"]
    assert limit["manage_state"]
    [deployment] = (args.inputs for args in made.made if args.name == "deployment")
    assert deployment["parameters"] == {"target": "dev", "wait_seconds": 3600}


def test_dbts_extras_hold_only_what_is_set() -> None:
    config = Settings.model_validate({"environment": "dev", "project": "demo-flights", "dataset": "d"})
    assert dbt_extras(config) == {"location": "EU", "job_execution_timeout_seconds": 600, "job_retries": 1}
    limited = config.model_copy(
        update={"maximum_bytes_billed": 5, "bigquery_endpoint": "http://127.0.0.1:1/bigquery/v2/"}
    )
    assert dbt_extras(limited)["maximum_bytes_billed"] == 5
    assert dbt_extras(limited)["api_endpoint"] == "http://127.0.0.1:1"


def test_a_switch_is_in_a_block_only_where_it_is_not_the_default(made: Recorder) -> None:
    config = Settings.model_validate({"environment": "dev", "project": "demo-flights", "dataset": "d"})
    assert flow_switches(config) == {}
    switched = config.model_copy(update={"seeds": False, "freshness": True, "show_failing_rows": True})
    assert flow_switches(switched) == {"seeds": False, "freshness": True, "show_failing_rows": True}
    assert "dbt-cli-global-configs" not in {args.name for args in made.made}
