"""The same programs with the local and the official plugin do the same to the same service."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import pytest

from tests.local.gcp_plugin.conftest import StackMaker
from tests.local.gcp_plugin.engine import Plugin, Stack
from tests.local.gcp_plugin.platform import PROJECT, Google
from tests.local.gcp_plugin.programs import ALL_KINDS, EMAIL

pytestmark = pytest.mark.real

CREATED_FIRST = ["create-replacement", "replace", "delete-replaced"]
DELETED_FIRST = ["delete-replaced", "replace", "create-replacement"]


@pytest.fixture(scope="module")
def living(plugin: Plugin, make_stack: StackMaker, google: Google) -> Iterator[Stack]:
    """A stack with one resource of each kind, for tests that leave them alone."""
    stack = make_stack(plugin)
    stack.up(ALL_KINDS).ok()
    yield stack
    stack.destroy().ok()
    assert "contract" not in google.datasets()
    assert EMAIL not in google.accounts()
    assert google.members("roles/bigquery.jobUser") == set()


def test_service_has_them(living: Stack, google: Google) -> None:
    access = google.call("GET", google.dataset("contract"))["access"]
    assert {"role": "WRITER", "userByEmail": EMAIL} in access
    assert google.members("roles/bigquery.jobUser") == {f"serviceAccount:{EMAIL}"}
    assert EMAIL in google.accounts()
    services = google.call("GET", f"/v1/projects/{PROJECT}/services")["services"]
    # It is none of those that are on from the start.
    assert "run.googleapis.com" in [service["config"]["name"] for service in services]
    policy = google.call("POST", f"/v1/projects/{PROJECT}/serviceAccounts/{EMAIL}:getIamPolicy")
    assert policy["bindings"] == [
        {"role": "roles/iam.serviceAccountTokenCreator", "members": ["user:ada@example.com"]}
    ]


def test_nothing_to_do_afterwards(living: Stack) -> None:
    living.up(ALL_KINDS, "--expect-no-changes").ok()
    living.refresh("--expect-no-changes").ok()
    assert living.steps() == {}


def test_private_key_is_google_s_and_secret(living: Stack) -> None:
    sealed = living.resources()["key"]["outputs"]["privateKey"]
    key = json.loads(base64.b64decode(json.loads(sealed["plaintext"])))
    assert key["client_email"] == EMAIL
    assert key["private_key"].startswith("-----BEGIN PRIVATE KEY-----")
    assert json.loads(sealed["plaintext"]) not in living.raw_state()


def test_texts_change_in_place(living: Stack) -> None:
    changed = ALL_KINDS.replace('"first"', '"second"').replace('"test"', '"other"')
    assert living.steps(changed) == {"dataset": ["update"], "account": ["update"]}


def test_location_replaces(living: Stack) -> None:
    assert living.steps(ALL_KINDS.replace('"EU"', '"US"'))["dataset"] == CREATED_FIRST


def test_keepers_replace_the_key_alone(living: Stack) -> None:
    assert living.steps(ALL_KINDS.replace('"1"', '"2"')) == {"key": CREATED_FIRST}


def test_account_id_replaces_all_that_name_it(living: Stack) -> None:
    steps = living.steps(ALL_KINDS.replace("dbt-contract", "dbt-contract-2"))
    assert steps == dict.fromkeys(("account", "key", "jobs", "editor", "actor"), DELETED_FIRST)


def test_role_replaces(living: Stack) -> None:
    changed = ALL_KINDS.replace("bigquery.jobUser", "bigquery.user").replace("dataEditor", "dataViewer")
    assert living.steps(changed) == {"jobs": DELETED_FIRST, "editor": CREATED_FIRST}
