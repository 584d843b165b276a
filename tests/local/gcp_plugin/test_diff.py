"""Comparing a state with the wanted inputs, without a service."""

from __future__ import annotations

from typing import Any

import pytest

from local.gcp_plugin.kinds import KINDS
from local.gcp_plugin.values import UNKNOWN
from tests.local.gcp_plugin.fake import CONFIG
from tests.local.gcp_plugin.test_check import (
    ACCOUNT,
    ACTOR,
    DATASET,
    DATASET_GRANT,
    GOOD,
    GRANT,
    KEY,
    SERVICE,
)

STATE: dict[str, dict[str, Any]] = {
    ACCOUNT: {"accountId": "dbt-dev", "displayName": "", "disabled": False, "project": "demo-flights"},
    DATASET: {
        "accesses": [{"role": "OWNER", "specialGroup": "projectOwners", "domain": ""}],
        "datasetId": "flights",
        "deletionPolicy": "DELETE",
        "description": "",
        "labels": None,
        "location": "US",
        "maxTimeTravelHours": "168",
        "project": "demo-flights",
        "pulumiLabels": {"goog-pulumi-provisioned": "true"},
    },
    DATASET_GRANT: {**GOOD[DATASET_GRANT], "project": "demo-flights", "condition": None},
    GRANT: {**GOOD[GRANT], "condition": None, "etag": "e"},
    SERVICE: {**GOOD[SERVICE], "project": "demo-flights", "deletionPolicy": "DELETE"},
    ACTOR: {**GOOD[ACTOR], "condition": None, "etag": "e"},
    KEY: {**KINDS[KEY].check(GOOD[KEY], CONFIG)[0], "keepers": {"generation": "1"}},
}
UNCHANGED: dict[str, dict[str, Any]] = {
    **GOOD,
    KEY: {**STATE[KEY]},
    DATASET: {**GOOD[DATASET], "location": "US"},
}
REPLACING = [
    (ACCOUNT, "accountId", "dbt-prod"),
    (ACCOUNT, "project", "other"),
    (DATASET, "datasetId", "other"),
    (DATASET, "location", "EU"),
    (DATASET, "project", "other"),
    (DATASET_GRANT, "datasetId", "other"),
    (DATASET_GRANT, "member", "user:b@example.com"),
    (DATASET_GRANT, "role", "roles/editor"),
    (DATASET_GRANT, "condition", {"title": "t", "expression": "true"}),
    (GRANT, "member", "user:b@example.com"),
    (GRANT, "project", "other"),
    (GRANT, "role", "roles/editor"),
    (SERVICE, "service", "iam.googleapis.com"),
    (SERVICE, "project", "other"),
    (ACTOR, "member", "user:b@example.com"),
    (ACTOR, "serviceAccountId", "projects/demo-flights/serviceAccounts/other@x.com"),
    (KEY, "keepers", {"generation": "2"}),
    (KEY, "keyAlgorithm", "KEY_ALG_RSA_1024"),
    (KEY, "serviceAccountId", UNKNOWN),
]
IN_PLACE = [
    (ACCOUNT, "description", "new"),
    (ACCOUNT, "disabled", True),
    (ACCOUNT, "displayName", "new"),
    (DATASET, "accesses", []),
    (DATASET, "defaultTableExpirationMs", 7200000),
    (DATASET, "deleteContentsOnDestroy", True),
    (DATASET, "description", "new"),
    (DATASET, "labels", {"a": "1"}),
    (DATASET, "labels", {"a": UNKNOWN}),
    (DATASET, "maxTimeTravelHours", "48"),
    (SERVICE, "disableOnDestroy", True),
]


def changes(token: str, **inputs: Any) -> dict[str, bool]:
    """Property -> whether it replaces."""
    found = KINDS[token].diff(STATE[token], {**UNCHANGED[token], **inputs}, CONFIG)
    return {change.property: change.replaces for change in found}


@pytest.mark.parametrize("token", GOOD)
def test_nothing_to_do(token: str) -> None:
    assert changes(token) == {}


@pytest.mark.parametrize(("token", "key", "value"), REPLACING)
def test_replaces(token: str, key: str, value: Any) -> None:
    assert changes(token, **{key: value}) == {key: True}


@pytest.mark.parametrize(("token", "key", "value"), IN_PLACE)
def test_in_place(token: str, key: str, value: Any) -> None:
    assert changes(token, **{key: value}) == {key: False}


def test_what_counts_as_equal() -> None:
    assert changes(DATASET, location="us", description="", labels={}, deletionPolicy="DELETE") == {}
    assert changes(DATASET, accesses=[{"specialGroup": "projectOwners", "role": "OWNER"}]) == {}
    assert changes(GRANT, member="user:A@example.com", project="projects/demo-flights") == {}


def test_removed_setting_is_a_change() -> None:
    state = {**STATE[DATASET], "description": "was", "labels": {"a": "1"}}
    found = KINDS[DATASET].diff(state, UNCHANGED[DATASET], CONFIG)
    assert [(change.property, change.wanted) for change in found] == [
        ("description", False),
        ("labels", False),
    ]


def test_default_labels_of_the_provider_are_a_change() -> None:
    config = type(CONFIG)(**{**vars(CONFIG), "default_labels": {"team": "bi"}})
    found = KINDS[DATASET].diff(STATE[DATASET], UNCHANGED[DATASET], config)
    assert [change.property for change in found] == ["pulumiLabels"]


def test_another_project_of_the_provider_replaces() -> None:
    config = type(CONFIG)(**{**vars(CONFIG), "project": "other"})
    found = KINDS[DATASET].diff(STATE[DATASET], UNCHANGED[DATASET], config)
    assert [(change.property, change.replaces) for change in found] == [("project", True)]
