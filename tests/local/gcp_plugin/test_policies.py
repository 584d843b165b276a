"""IAM members: read-modify-write of policies that others change too."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from local.gcp_plugin.errors import GoogleError, PluginError
from local.gcp_plugin.google_api import Google
from local.gcp_plugin.kinds import KINDS, iam_member
from tests.local.gcp_plugin import fake
from tests.local.gcp_plugin.test_check import DATASET_GRANT, GOOD, GRANT

EXPIRES = {"title": "expires", "expression": "request.time < timestamp('2030-01-01T00:00:00Z')"}


class Policy:
    """A project's policy that refuses a write under an old etag."""

    def __init__(self, *bindings: dict[str, Any], conflicts: int = 0) -> None:
        self.bindings: list[dict[str, Any]] = list(bindings)
        self.version = 0
        self.conflicts = conflicts

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith(":getIamPolicy"):
            return httpx.Response(200, json={"bindings": self.bindings, "etag": str(self.version)})
        if self.conflicts or fake.body(request)["policy"]["etag"] != str(self.version):
            self.conflicts = max(0, self.conflicts - 1)
            self.version += 1
            return fake.refusal(409, "There were concurrent policy changes.", "aborted")
        self.version += 1
        self.bindings = fake.body(request)["policy"]["bindings"]
        return httpx.Response(200, json={"bindings": self.bindings, "etag": str(self.version)})


class Dataset:
    """A dataset with an access list that refuses a write under an old etag."""

    def __init__(self, *access: dict[str, Any], conflicts: int = 0) -> None:
        self.access: list[dict[str, Any]] = list(access)
        self.version = 0
        self.conflicts = conflicts

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method == "PATCH":
            if self.conflicts or request.headers["If-Match"] != str(self.version):
                self.conflicts = max(0, self.conflicts - 1)
                self.version += 1
                return fake.refusal(412, "Precondition Failed", "conditionNotMet")
            self.access = fake.body(request)["access"]
        return httpx.Response(200, json={"access": self.access, "etag": str(self.version)})


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(iam_member, "_FIRST_WAIT_SECONDS", 0.0)


def create(service: Any, token: str = GRANT, **inputs: Any) -> Any:
    return fake.run(KINDS[token].create(fake.google(service), {**GOOD[token], **inputs}))


def test_member_joins_the_role() -> None:
    policy = Policy({"role": "roles/viewer", "members": ["user:b@example.com"]})
    found = create(policy)
    assert found.id == "demo-flights/roles/viewer/user:a@example.com"
    assert policy.bindings == [
        {"role": "roles/viewer", "members": ["user:b@example.com", "user:a@example.com"]}
    ]
    assert found.outputs["etag"] == "1"


def test_condition_is_a_binding_of_its_own() -> None:
    policy = Policy({"role": "roles/viewer", "members": ["user:a@example.com"]})
    found = create(policy, condition=EXPIRES)
    assert found.id == "demo-flights/roles/viewer/user:a@example.com/expires"
    assert found.outputs["condition"] == EXPIRES
    fake.run(KINDS[GRANT].delete(fake.google(policy), found.id, found.outputs))
    assert policy.bindings == [{"role": "roles/viewer", "members": ["user:a@example.com"]}]


@pytest.mark.parametrize("conflicts", [1, 5])
def test_conflicts_are_tried_again(conflicts: int) -> None:
    policy = Policy(conflicts=conflicts)
    create(policy)
    assert policy.bindings == [{"role": "roles/viewer", "members": ["user:a@example.com"]}]


def test_conflicts_without_end_are_an_error() -> None:
    with pytest.raises(GoogleError, match="There were concurrent policy changes"):
        create(Policy(conflicts=1000))


def test_dataset_conflict_is_tried_again() -> None:
    dataset = Dataset({"role": "OWNER", "specialGroup": "projectOwners"}, conflicts=2)
    found = create(dataset, DATASET_GRANT, role="roles/bigquery.dataEditor")
    assert found.id == ("projects/demo-flights/datasets/flights/roles/bigquery.dataEditor/user:a@example.com")
    assert dataset.access[0] == {"role": "OWNER", "specialGroup": "projectOwners"}
    assert dataset.access[1] == {"role": "roles/bigquery.dataEditor", "userByEmail": "a@example.com"}


def test_old_name_of_a_role_is_the_same_role() -> None:
    dataset = Dataset({"role": "WRITER", "userByEmail": "a@example.com"})
    create(dataset, DATASET_GRANT, role="roles/bigquery.dataEditor")
    assert dataset.access == [{"role": "WRITER", "userByEmail": "a@example.com"}]


def test_changes_of_one_process_follow_one_another() -> None:
    """Without the lock, eight writers at once would fight eight rounds under the same etag."""
    policy = Policy()
    members = [f"user:{n}@example.com" for n in range(8)]

    async def all_at_once(google: Google) -> None:
        kind = KINDS[GRANT]
        await asyncio.gather(*(kind.create(google, {**GOOD[GRANT], "member": member}) for member in members))

    fake.run(all_at_once(fake.google(policy)))
    assert policy.bindings == [{"role": "roles/viewer", "members": members}]
    assert policy.version == len(members)


def test_gone_member_reads_as_none() -> None:
    google = fake.google(Policy({"role": "roles/viewer", "members": ["user:b@example.com"]}))
    assert fake.run(KINDS[GRANT].read(google, "demo-flights/roles/viewer/user:a@example.com", {})) is None


@pytest.mark.parametrize("token", [GRANT, DATASET_GRANT])
def test_delete_where_all_is_gone(token: str) -> None:
    google = fake.google(lambda _: fake.refusal(404))
    fake.run(
        KINDS[token].delete(
            google,
            "projects/p/datasets/d/roles/viewer/user:a@example.com"
            if token == DATASET_GRANT
            else "p/roles/viewer/user:a@example.com",
            {},
        )
    )


@pytest.mark.parametrize(
    "resource_id",
    [
        "demo-flights/roles/viewer/user:a@example.com",
        "demo-flights roles/viewer user:a@example.com",
        "projects/demo-flights roles/viewer user:a@example.com",
    ],
)
def test_ids_of_a_project_s_member(resource_id: str) -> None:
    google = fake.google(Policy({"role": "roles/viewer", "members": ["user:a@example.com"]}))
    found = fake.run(KINDS[GRANT].read(google, resource_id, {}))
    assert found is not None
    assert found.id == "demo-flights/roles/viewer/user:a@example.com"


@pytest.mark.parametrize(
    "resource_id",
    [
        "projects/demo-flights/datasets/flights/roles/bigquery.dataViewer/user:a@example.com",
        "projects/demo-flights/datasets/flights roles/bigquery.dataViewer user:a@example.com",
        "demo-flights/flights roles/bigquery.dataViewer user:a@example.com",
        "flights roles/bigquery.dataViewer user:a@example.com",
    ],
)
def test_ids_of_a_dataset_s_member(resource_id: str) -> None:
    google = fake.google(Dataset({"role": "READER", "userByEmail": "a@example.com"}))
    found = fake.run(KINDS[DATASET_GRANT].read(google, resource_id, {}))
    assert found is not None
    assert found.outputs["datasetId"] == "flights"
    assert found.outputs["role"] == "roles/bigquery.dataViewer"


def test_id_that_is_none() -> None:
    with pytest.raises(PluginError, match="is not the id of an IAM member: write 'PROJECT roles/NAME"):
        fake.run(KINDS[GRANT].read(fake.google(Policy()), "what", {}))
