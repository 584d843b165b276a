"""Identities and guard rails under Pulumi's mocks."""

from __future__ import annotations

import pickle
from collections.abc import Iterator

import pytest

from infra.outputs import take_away
from infra.pages import bigquery_page
from providers.api.errors import KeptError
from providers.engine.refusal import RefusalProvider
from tests.infra.loops import event_loops
from tests.infra.program import declared, settings

ADA = "user:ada@example.com"
KEY = "gcp:serviceaccount/key:Key"


@pytest.fixture(autouse=True)
def loop() -> Iterator[None]:
    with event_loops():
        yield


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
    both = {"deleteContentsOnDestroy": True, "deleteRawDataOnDestroy": True}
    assert take_away(settings(**both)) == "pulumi destroy -s dev"
    go = "pulumi up -s dev && pulumi destroy -s dev"
    raw = "pulumi config set deleteRawDataOnDestroy true -s dev"
    assert take_away(settings(deleteContentsOnDestroy=True)) == f"{raw} && {go}"
    # What exists already is not the stack's to drop.
    assert (
        take_away(settings(deleteContentsOnDestroy=True, existingDatasets=["_raw"]))
        == go.partition(" && ")[2]
    )
    assert take_away(settings()) == f"pulumi config set deleteContentsOnDestroy true -s dev && {raw} && {go}"


def test_the_guard_refuses_with_the_commands_or_not_at_all() -> None:
    kind = "pulumi-python:dynamic/lifecycle:Refusal"
    (kept,) = declared().inputs(kind)
    with pytest.raises(KeptError, match=r"pulumi config set deleteContentsOnDestroy true -s dev"):
        RefusalProvider().delete("refusal", kept)
    (raw,) = declared(deleteContentsOnDestroy=True).inputs(kind)
    with pytest.raises(KeptError, match=r"\(`deleteRawDataOnDestroy` is false\)"):
        RefusalProvider().delete("refusal", raw)
    (free,) = declared(deleteContentsOnDestroy=True, deleteRawDataOnDestroy=True).inputs(kind)
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
    console = "https://console.cloud.google.com/bigquery?project=demo-flights&"
    assert bigquery_page("demo-flights", "d").startswith(console)
    local = "http://127.0.0.1:1"
    assert bigquery_page("demo-flights", "d", local) == f"{local}/#d"
    made = declared({"bigQueryCustomEndpoint": "http://127.0.0.1:1/bigquery/v2/"})
    pages = ("bigqueryPage", "rawDatasetPage")
    datasets = ("demo_flights_dev", "demo_flights_dev_raw")
    assert [made.outputs[page] for page in pages] == [f"{local}/#{name}" for name in datasets]
