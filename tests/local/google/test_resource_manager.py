"""Projects and their policies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.local.google.world import ACCOUNTS, PROJECT, message

if TYPE_CHECKING:
    from tests.local.google.world import World

PATH = f"/v1/projects/{PROJECT}"


def policy(world: World) -> dict[str, Any]:
    return dict(world.ok("POST", f"{PATH}:getIamPolicy"))


def test_project_is_given_by_id_and_number(world: World) -> None:
    project = world.ok("GET", PATH)
    assert (project["projectId"], project["lifecycleState"]) == (PROJECT, "ACTIVE")
    assert world.ok("GET", f"/v1/projects/{project['projectNumber']}") == project


def test_unknown_project_is_forbidden(world: World) -> None:
    assert "may not exist" in message(world.call("GET", "/v1/projects/nowhere"), 403)


def test_policy_is_replaced_and_kept(world: World) -> None:
    member = f"serviceAccount:{world.account()}"
    changed = policy(world)
    changed["bindings"].append({"role": "roles/bigquery.jobUser", "members": [member]})
    answer = world.ok("POST", f"{PATH}:setIamPolicy", json={"policy": changed})
    assert answer["bindings"] == changed["bindings"]
    assert answer["etag"] != changed["etag"]
    assert policy(world) == answer


def test_old_etag_changes_nothing(world: World) -> None:
    first = policy(world)
    world.ok("POST", f"{PATH}:setIamPolicy", json={"policy": first})
    kept = policy(world)
    answer = world.call("POST", f"{PATH}:setIamPolicy", json={"policy": first | {"bindings": []}})
    assert "concurrent policy changes" in message(answer, 409)
    assert answer.json()["error"]["status"] == "ABORTED"
    assert policy(world) == kept


@pytest.mark.parametrize(
    ("role", "member", "words"),
    [
        ("roles/bigquery.jobUser", f"serviceAccount:no@{PROJECT}.iam.gserviceaccount.com", "does not exist"),
        ("roles/bigquery.jobUser", "somebody", "unknown type"),
        ("roles/bigquery.jobUsr", "user:a@example.com", "not supported"),
        ("roles/iam.serviceAccountTokenCreater", "user:a@example.com", "not supported"),
        ("roles/viewers", "user:a@example.com", "not supported"),
        ("jobUser", "user:a@example.com", "not supported"),
        ("roles/viewer", "allUsers", "not allowed"),
    ],
)
def test_bad_binding_is_refused(world: World, role: str, member: str, words: str) -> None:
    before = policy(world)
    bad = {"bindings": [{"role": role, "members": [member]}]}
    assert words in message(world.call("POST", f"{PATH}:setIamPolicy", json={"policy": bad}), 400)
    assert policy(world) == before


def test_condition_is_refused_rather_than_ignored(world: World) -> None:
    binding = {"role": "roles/viewer", "members": ["user:a@example.com"], "condition": {"expression": "x"}}
    answer = world.call("POST", f"{PATH}:setIamPolicy", json={"policy": {"bindings": [binding]}})
    assert "condition" in message(answer, 400)


def test_bindings_of_a_role_are_merged(world: World) -> None:
    bindings = [
        {"role": "roles/viewer", "members": ["user:a@example.com"]},
        {"role": "roles/viewer", "members": ["user:a@example.com", "user:b@example.com"]},
        {"role": "roles/editor", "members": []},
    ]
    answer = world.ok("POST", f"{PATH}:setIamPolicy", json={"policy": {"bindings": bindings}})
    assert answer["bindings"] == [bindings[1]]


def test_deleted_accounts_grant_is_not_inherited(world: World) -> None:
    email = world.account()
    unique_id = world.ok("GET", f"{ACCOUNTS}/{email}")["uniqueId"]
    world.grant(email, "roles/bigquery.jobUser")
    world.ok("DELETE", f"{ACCOUNTS}/{email}")
    assert policy(world)["bindings"][-1]["members"] == [f"deleted:serviceAccount:{email}?uid={unique_id}"]
    token = world.sign_in(world.key(world.account()))
    assert "bigquery.jobs.create" in message(world.query("select 1", token), 403)


def test_policy_needs_its_role(world: World) -> None:
    token = world.token("roles/bigquery.admin")
    answer = world.call("POST", f"{PATH}:setIamPolicy", token, json={"policy": {"bindings": []}})
    assert "roles/resourcemanager.projectIamAdmin" in message(answer, 403)


def test_permissions_are_tested(world: World) -> None:
    asked = ["bigquery.jobs.create", "bigquery.datasets.create"]
    token = world.token("roles/bigquery.jobUser")
    answer = world.ok("POST", f"{PATH}:testIamPermissions", token, json={"permissions": asked})
    assert answer == {"permissions": ["bigquery.jobs.create"]}
