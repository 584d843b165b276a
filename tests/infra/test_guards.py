"""Identities and guard rails under Pulumi's mocks."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

import pulumi
import pytest

from infra.apis import Apis
from infra.blocks import Blocks
from infra.guard import Guard
from infra.identity import Identity
from infra.pages import bigquery_page, how_to_destroy
from infra.settings import Settings
from infra.warehouse import Warehouse
from infra.workers import Workers
from providers.api.errors import KeptError
from providers.engine.refusal import RefusalProvider
from tests.infra.loops import event_loops
from tests.infra.test_program import Recorder

ADA = "user:ada@example.com"
KEY = "gcp:serviceaccount/key:Key"


@pytest.fixture(autouse=True)
def loop() -> Iterator[None]:
    with event_loops():
        yield


def declared(**values: Any) -> Recorder:
    recorder = Recorder()
    pulumi.runtime.set_mocks(recorder, project="projet-m2-bi", stack="dev", preview=False)
    config = settings(**values)

    def declare() -> pulumi.Output[Any]:
        apis = Apis("apis", config)
        warehouse = Warehouse("warehouse", config, apis.services)
        identity = Identity("identity", config, warehouse, apis.services)
        blocks = Blocks("blocks", config, warehouse, identity)
        workers = Workers("workers", config, identity, apis.services)
        guard = Guard("guard", config, [warehouse, identity, blocks, workers])
        made = [*apis.services, blocks.profile, workers, guard.refusal]
        return pulumi.Output.all(*(resource.urn for resource in made))

    pulumi.runtime.test(declare)()  # type: ignore[no-untyped-call]
    return recorder


def settings(**values: Any) -> Settings:
    return Settings.model_validate(
        {"environment": "dev", "project": "demo-flights", "dataset": "demo_flights_dev"} | values
    )


def test_impersonation_makes_no_key_but_a_grant() -> None:
    made = declared(identity="impersonation", impersonators=[ADA])
    assert made.inputs(KEY) == []
    (grant,) = made.inputs("gcp:serviceaccount/iAMMember:IAMMember")
    assert (grant["role"], grant["member"]) == ("roles/iam.serviceAccountTokenCreator", ADA)
    assert grant["serviceAccountId"].endswith("/dbt-dev@demo-flights.iam.gserviceaccount.com")


def test_attached_makes_neither() -> None:
    made = declared(identity="attached")
    assert made.inputs(KEY) == []
    assert made.inputs("gcp:serviceaccount/iAMMember:IAMMember") == []


def test_workers_may_start_cloud_run_jobs_that_are_dbts_account() -> None:
    cloud_run = {"workPoolType": "cloud-run-v2", "image": "i", "region": "europe-west1"}
    made = declared(identity="attached", workers=[ADA], **cloud_run)
    (as_account,) = made.inputs("gcp:serviceaccount/iAMMember:IAMMember")
    assert (as_account["role"], as_account["member"]) == ("roles/iam.serviceAccountUser", ADA)
    assert as_account["serviceAccountId"].endswith("/dbt-dev@demo-flights.iam.gserviceaccount.com")
    on_project = made.inputs("gcp:projects/iAMMember:IAMMember")
    assert ("roles/run.developer", ADA) in {(grant["role"], grant["member"]) for grant in on_project}


def test_pods_with_the_attached_identity_are_dbts_account() -> None:
    pods = {"workPoolType": "kubernetes", "image": "i", "namespace": "data"}
    (grant,) = declared(identity="attached", **pods).inputs("gcp:serviceaccount/iAMMember:IAMMember")
    assert grant["role"] == "roles/iam.workloadIdentityUser"
    assert grant["member"] == "serviceAccount:demo-flights.svc.id.goog[data/dbt-dev]"
    assert declared(**pods).inputs("gcp:serviceaccount/iAMMember:IAMMember") == []


def test_a_rotation_is_the_keys_keeper() -> None:
    assert declared(keyRotation="2026-Q4").inputs(KEY)[0]["keepers"] == {"rotation": "2026-Q4"}
    assert "keepers" not in declared().inputs(KEY)[0]


def test_only_what_dbt_builds_expires() -> None:
    made = declared(tableExpirationDays=2).inputs("gcp:bigquery/dataset:Dataset")
    found = {entry["datasetId"]: entry.get("defaultTableExpirationMs") for entry in made}
    assert found == {"demo_flights_dev": 172_800_000, "demo_flights_dev_raw": None}


def test_apis_are_switched_on_and_never_off() -> None:
    kind = "gcp:projects/service:Service"
    assert declared().inputs(kind) == []
    made = declared(enableApis=True, identity="impersonation", impersonators=[ADA]).inputs(kind)
    assert {entry["service"].partition(".")[0] for entry in made} == {
        "bigquery",
        "cloudresourcemanager",
        "iam",
        "iamcredentials",
    }
    assert {entry["disableOnDestroy"] for entry in made} == {False}


def test_the_way_out_of_a_protected_environment_is_told() -> None:
    assert how_to_destroy(settings(deleteContentsOnDestroy=True)) == "pulumi destroy -s dev"
    assert how_to_destroy(settings()).startswith(
        "pulumi config set projet-m2-bi:deleteContentsOnDestroy true -s dev && pulumi up -s dev"
    )


def test_the_guard_refuses_with_the_commands_or_not_at_all() -> None:
    kind = "pulumi-python:dynamic/lifecycle:Refusal"
    (kept,) = declared().inputs(kind)
    with pytest.raises(
        KeptError, match=r"pulumi config set projet-m2-bi:deleteContentsOnDestroy true -s dev"
    ):
        RefusalProvider().delete("refusal", kept)
    (free,) = declared(deleteContentsOnDestroy=True).inputs(kind)
    RefusalProvider().delete("refusal", free)
    assert RefusalProvider().diff("refusal", kept, free).changes
    assert not RefusalProvider().diff("refusal", kept, kept).changes


def test_the_guard_in_a_state_of_today_still_refuses_tomorrow() -> None:
    """What runs at delete is the pickle in the state: change the code, never this."""
    written = (
        b"\x80\x04\x95,\x00\x00\x00\x00\x00\x00\x00\x8c\x11providers.refusal"
        b"\x94\x8c\x0fRefusalProvider\x94\x93\x94)R\x94."
    )
    with pytest.raises(KeptError, match="because"):
        pickle.loads(written).delete("refusal", {"why": "because"})


def test_bigquerys_page_is_the_local_endpoint_where_there_is_one() -> None:
    assert bigquery_page(settings(), "d").startswith(
        "https://console.cloud.google.com/bigquery?project=demo-fl"
    )
    local = settings(bigqueryEndpoint="http://127.0.0.1:1/bigquery/v2/")
    assert bigquery_page(local, "d") == "http://127.0.0.1:1"
