"""Identities and guard rails under Pulumi's mocks."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

import pulumi
import pytest

from infra.outputs.pages import bigquery_page
from infra.outputs.stack import take_away
from providers.api.errors import KeptError
from providers.engine.refusal import RefusalProvider
from tests.infra.loops import event_loops
from tests.infra.program import CALLER, declared, settings

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


def test_with_no_impersonators_who_runs_pulumi_may_act_and_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr("pulumi.log.info", said.append)
    (grant,) = declared(identity="impersonation").inputs("gcp:serviceaccount/iAMMember:IAMMember")
    assert (grant["role"], grant["member"]) == ("roles/iam.serviceAccountTokenCreator", CALLER)
    # Named in `impersonators` later, the same member gets another grant, which this one's end does not take.
    assert grant["condition"]["title"] == "brought the stack up first"
    assert any(f"{CALLER}, who runs this, may act as dbt's service account" in one for one in said)


def test_who_runs_pulumi_and_is_unknown_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.infra.program.CALLER", "user:")
    with pytest.raises(pulumi.RunError, match=r"'impersonators\[0\]' user:YOU@example.com -s dev"):
        declared(identity="impersonation")


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
    made_with_prefix = declared(identity="attached", workers=[ADA], namePrefix="sales", **cloud_run)
    grants = [
        grant
        for stack in (made, made_with_prefix)
        for grant in stack.inputs("gcp:projects/iAMMember:IAMMember")
        if grant["role"] == "roles/run.developer"
    ]
    assert [grant["member"] for grant in grants] == [ADA, ADA]
    # One worker of two stacks has two grants: each stack takes its own away.
    titles = [grant["condition"]["title"] for grant in grants]
    assert titles == ["starts runs of dbt-dev", "starts runs of sales-dbt-dev"]


CLOUD_RUN: dict[str, Any] = {
    "workPoolType": "cloud-run-v2",
    "image": "i",
    "region": "europe-west1",
    "identity": "attached",
}


def test_prefects_key_is_a_secret_that_dbts_account_reads_and_no_job_holds() -> None:
    made = declared(prefectApiKeySecret="projects/vault/secrets/prefect-api-key:3", **CLOUD_RUN)
    [grant] = made.inputs("gcp:secretmanager/secretIamMember:SecretIamMember")
    assert (grant["project"], grant["secretId"]) == ("vault", "prefect-api-key")
    assert grant["role"] == "roles/secretmanager.secretAccessor"
    assert grant["member"] == "serviceAccount:dbt-dev@demo-flights.iam.gserviceaccount.com"
    properties = made.named("work-pool")["base_job_template"]["variables"]["properties"]
    secret = {"secret": "projects/vault/secrets/prefect-api-key", "version": "3"}
    assert properties["prefect_api_key_secret"]["default"] == secret


@pytest.mark.parametrize(
    ("variable", "setting"),
    [("PREFECT_API_KEY", "prefectApiKeySecret"), ("PREFECT_API_AUTH_STRING", "prefectAuthStringSecret")],
)
def test_a_key_in_clear_in_a_job_is_refused(
    monkeypatch: pytest.MonkeyPatch, variable: str, setting: str
) -> None:
    monkeypatch.setenv(variable, "me:planted")
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:1/api")
    with pytest.raises(pulumi.RunError, match=rf"`pulumi config set {setting} prefect-key -s dev`") as told:
        declared(**CLOUD_RUN)
    assert "planted" not in str(told.value)
    declared(**CLOUD_RUN, **{setting: "prefect-key"})


@pytest.mark.parametrize(
    "values",
    [
        {"identity": "impersonation", "impersonators": [ADA]},
        {"workPoolType": "kubernetes", "image": "i", "identity": "attached"},
        CLOUD_RUN | {"workers": [ADA], "prefectApiKeySecret": "k", "prefectAuthStringSecret": "p"},
    ],
)
def test_no_grant_of_a_stack_is_shared_with_another(values: dict[str, Any]) -> None:
    """It is on a thing of the stack's own, or to the stack's own account, or bears the stack's name."""
    made = declared(**values)
    own = "dbt-dev@demo-flights.iam.gserviceaccount.com"
    grants = [args for args in made.made if "iam" in args.typ.lower() and "member" in args.inputs]
    assert grants
    for grant in (args.inputs for args in grants):
        on_own = str(grant.get("serviceAccountId", "")).endswith(f"/{own}")
        named = "dbt-dev" in str((grant.get("condition") or {}).get("title", ""))
        assert on_own or named or grant["member"] == f"serviceAccount:{own}", grant


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
