"""Checking inputs, without a service."""

from __future__ import annotations

from typing import Any

import pytest

from local.gcp_plugin.config import Config
from local.gcp_plugin.kinds import KINDS
from local.gcp_plugin.values import UNKNOWN
from tests.local.gcp_plugin.fake import CONFIG

ACCOUNT = "gcp:serviceaccount/account:Account"
DATASET = "gcp:bigquery/dataset:Dataset"
DATASET_GRANT = "gcp:bigquery/datasetIamMember:DatasetIamMember"
GRANT = "gcp:projects/iAMMember:IAMMember"
KEY = "gcp:serviceaccount/key:Key"
SERVICE = "gcp:projects/service:Service"
ACTOR = "gcp:serviceaccount/iAMMember:IAMMember"
MEMBER = {"role": "roles/viewer", "member": "user:a@example.com"}
GOOD: dict[str, dict[str, Any]] = {
    ACCOUNT: {"accountId": "dbt-dev"},
    DATASET: {"datasetId": "flights"},
    DATASET_GRANT: {**MEMBER, "datasetId": "flights"},
    GRANT: {**MEMBER, "project": "demo-flights"},
    KEY: {"serviceAccountId": "dbt-dev@demo-flights.iam.gserviceaccount.com"},
    SERVICE: {"service": "bigquery.googleapis.com"},
    ACTOR: {**MEMBER, "serviceAccountId": "projects/demo-flights/serviceAccounts/dbt-dev@x.com"},
}


def failures(token: str, **inputs: Any) -> dict[str, str]:
    _, found = KINDS[token].check({**GOOD[token], **inputs}, CONFIG)
    return {failure.property: failure.reason for failure in found}


@pytest.mark.parametrize("token", GOOD)
def test_good_inputs(token: str) -> None:
    assert failures(token) == {}


@pytest.mark.parametrize("token", GOOD)
def test_unknown_property_is_refused(token: str) -> None:
    assert "unknown property 'colour'" in failures(token, colour="red")["colour"]


@pytest.mark.parametrize("token", GOOD)
def test_required_properties(token: str) -> None:
    for key in GOOD[token]:
        assert failures(token, **{key: None}) == {key: f"missing required property {key!r}"}


@pytest.mark.parametrize("token", GOOD)
def test_what_is_not_known_yet_passes(token: str) -> None:
    assert failures(token, **dict.fromkeys(GOOD[token], UNKNOWN)) == {}


@pytest.mark.parametrize("token", GOOD)
def test_missing_endpoint(token: str) -> None:
    _, found = KINDS[token].check(GOOD[token], Config(project="p"))
    assert any("CustomEndpoint is not set" in failure.reason for failure in found)


def test_missing_project() -> None:
    _, found = KINDS[DATASET].check(GOOD[DATASET], Config(endpoints=CONFIG.endpoints))
    assert [failure.property for failure in found] == ["project"]
    assert "pulumi config set gcp:project" in found[0].reason


@pytest.mark.parametrize("value", ["with-dash", "", "a.b", "é", "x" * 1025])
def test_dataset_id(value: str) -> None:
    assert "dataset_id" in failures(DATASET, datasetId=value)["datasetId"]


@pytest.mark.parametrize(
    "value", ["short", "x" * 31, "Capital", "1digit-first", "ends-in-dash-", "under_score"]
)
def test_account_id(value: str) -> None:
    assert "account_id" in failures(ACCOUNT, accountId=value)["accountId"]


@pytest.mark.parametrize("value", ["nobody", "", "allusers"])
def test_member(value: str) -> None:
    assert "invalid value" in failures(GRANT, member=value)["member"]


@pytest.mark.parametrize("value", ["viewer", "roles/", "roles/a b"])
def test_role(value: str) -> None:
    assert "is not a role" in failures(DATASET_GRANT, role=value)["role"]


def test_types() -> None:
    found = failures(DATASET, labels="a", description={}, defaultTableExpirationMs="soon")
    assert found["labels"] == "'labels' must be a map, not 'a'"
    assert found["description"] == "'description' must be a string, not {}"
    assert (
        found["defaultTableExpirationMs"] == "'defaultTableExpirationMs' must be a whole number, not 'soon'"
    )


def test_numbers_and_booleans_as_text() -> None:
    given = {
        "defaultTableExpirationMs": "7200000",
        "deleteContentsOnDestroy": "true",
        "maxTimeTravelHours": 48.0,
    }
    inputs, found = KINDS[DATASET].check(GOOD[DATASET] | given, CONFIG)
    assert found == []
    assert inputs["defaultTableExpirationMs"] == 7200000
    assert inputs["deleteContentsOnDestroy"] is True
    assert inputs["maxTimeTravelHours"] == "48"


def test_ranges_and_choices() -> None:
    assert "at least 3600000" in failures(DATASET, defaultTableExpirationMs=1.0)["defaultTableExpirationMs"]
    assert "must be one of" in failures(KEY, keyAlgorithm="ROT13")["keyAlgorithm"]
    assert "must be one of" in failures(ACCOUNT, deletionPolicy="MAYBE")["deletionPolicy"]


def test_defaults_are_marked() -> None:
    inputs, _ = KINDS[KEY].check(GOOD[KEY], CONFIG)
    assert inputs["__defaults"] == ["keyAlgorithm", "privateKeyType", "publicKeyType"]
    assert inputs["keyAlgorithm"] == "KEY_ALG_RSA_2048"


def test_preview_tells_what_is_known() -> None:
    outputs = KINDS[ACCOUNT].preview({"accountId": "dbt-dev"}, CONFIG)
    assert outputs["member"] == "serviceAccount:dbt-dev@demo-flights.iam.gserviceaccount.com"
    assert (outputs["name"], outputs["uniqueId"]) == (UNKNOWN, UNKNOWN)
