"""The same programs with the local and the official plugin do the same to the same service."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.local.gcp_plugin import programs
from tests.local.gcp_plugin.conftest import StackMaker
from tests.local.gcp_plugin.engine import Plugin, Stack
from tests.local.gcp_plugin.platform import PROJECT, Google
from tests.local.gcp_plugin.programs import ALL_KINDS, EMAIL

pytestmark = pytest.mark.real

CREATED_FIRST = ["create-replacement", "replace", "delete-replaced"]
DELETED_FIRST = ["delete-replaced", "replace", "create-replacement"]


@dataclass(frozen=True)
class Change:
    """Resources of `ALL_KINDS`, what is said of them instead, and what that does to each."""

    resources: tuple[str, ...]
    words: dict[str, str]
    planned: dict[str, list[str]]


UPDATED = ["update"]
OF_AN_ACCOUNT = ("account", "key", "jobs", "editor", "actor")
CHANGES = {
    "texts": Change(
        ("dataset", "account", "key", "editor"),
        {'"first"': '"second"', '"test"': '"other"'},
        {"dataset": UPDATED, "account": UPDATED},
    ),
    "location": Change(("dataset",), {'"EU"': '"US"'}, {"dataset": CREATED_FIRST}),
    "keepers": Change(("account", "key"), {'"1"': '"2"'}, {"key": CREATED_FIRST}),
    "account-id": Change(
        ("dataset", *OF_AN_ACCOUNT),
        {"dbt-contract": "dbt-contract-2"},
        dict.fromkeys(OF_AN_ACCOUNT, DELETED_FIRST),
    ),
    "role": Change(
        ("dataset", "account", "jobs", "editor"),
        {"bigquery.jobUser": "bigquery.user", "dataEditor": "dataViewer"},
        {"jobs": DELETED_FIRST, "editor": CREATED_FIRST},
    ),
}
COPIES = {case: programs.copy(case, *change.resources) for case, change in CHANGES.items()}
PROGRAM = ALL_KINDS + "".join(COPIES.values())


@pytest.fixture(scope="module")
def living(plugin: Plugin, make_stack: StackMaker, google: Google) -> Iterator[Stack]:
    """A stack with one resource of each kind, and again for each change, for tests that leave them alone."""
    stack = make_stack(plugin)
    stack.up(PROGRAM).ok()
    yield stack
    stack.destroy().ok()
    assert google.datasets() == set()
    assert google.accounts() == set()
    assert google.members("roles/bigquery.jobUser") == set()


@pytest.fixture(scope="module")
def planned(living: Stack) -> dict[str, list[str]]:
    """What a preview of all changes would do to each resource that is not as before."""
    changed = PROGRAM
    for case, copy in COPIES.items():
        other = copy
        for before, after in CHANGES[case].words.items():
            assert before in other
            other = other.replace(before, after)
        changed = changed.replace(copy, other)
    steps = living.steps(changed)
    living.program(PROGRAM)
    return steps


def test_service_has_them(living: Stack, google: Google) -> None:
    access = google.call("GET", google.dataset("contract"))["access"]
    assert {"role": "WRITER", "userByEmail": EMAIL} in access
    assert f"serviceAccount:{EMAIL}" in google.members("roles/bigquery.jobUser")
    assert EMAIL in google.accounts()
    services = google.call("GET", f"/v1/projects/{PROJECT}/services")["services"]
    # It is none of those that are on from the start.
    assert "run.googleapis.com" in [service["config"]["name"] for service in services]
    policy = google.call("POST", f"/v1/projects/{PROJECT}/serviceAccounts/{EMAIL}:getIamPolicy")
    assert policy["bindings"] == [
        {"role": "roles/iam.serviceAccountTokenCreator", "members": ["user:ada@example.com"]}
    ]


def test_nothing_to_do_afterwards(living: Stack, planned: dict[str, list[str]]) -> None:
    # As it was made, and as it is read.
    assert {name.rpartition("-")[0] for name in planned} == CHANGES.keys()
    living.refresh("--expect-no-changes").ok()
    living.up(None, "--expect-no-changes").ok()


def test_private_key_is_google_s_and_secret(living: Stack) -> None:
    sealed = living.resources()["key"]["outputs"]["privateKey"]
    key = json.loads(base64.b64decode(json.loads(sealed["plaintext"])))
    assert key["client_email"] == EMAIL
    assert key["private_key"].startswith("-----BEGIN PRIVATE KEY-----")
    assert json.loads(sealed["plaintext"]) not in living.raw_state()


@pytest.mark.parametrize("case", CHANGES)
def test_a_change_does_this_and_nothing_else(planned: dict[str, list[str]], case: str) -> None:
    found = {name: ops for name, ops in planned.items() if name.rpartition("-")[0] == case}
    assert {name.removeprefix(f"{case}-"): ops for name, ops in found.items()} == CHANGES[case].planned
