"""What a token may do: what its scopes are for, and of that what its account's roles give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.local.google.world import ACCOUNTS, DATASETS, PROJECT, World, assertion, message

if TYPE_CHECKING:
    from tests.local.google.fake_bigquery import FakeBigQuery

PREFIX = "https://www.googleapis.com/auth/"
SERVICES = f"/v1/projects/{PROJECT}/services"
POLICY = f"/v1/projects/{PROJECT}"
QUERIES = f"/bigquery/v2/projects/{PROJECT}/queries"
Call = tuple[str, str, dict[str, Any] | None]
NEW = {"datasetReference": {"datasetId": "new"}}
READ: Call = ("GET", DATASETS, None)
MAKE: Call = ("POST", DATASETS, NEW)
LIST_ACCOUNTS: Call = ("GET", ACCOUNTS, None)
MAKE_ACCOUNT: Call = ("POST", ACCOUNTS, {"accountId": "another"})
READ_POLICY: Call = ("POST", f"{POLICY}:getIamPolicy", {})
SET_POLICY: Call = ("POST", f"{POLICY}:setIamPolicy", {"policy": {"bindings": []}})
ENABLE: Call = ("POST", f"{SERVICES}/iam.googleapis.com:enable", {})
EVERYTHING = (READ, MAKE, LIST_ACCOUNTS, MAKE_ACCOUNT, READ_POLICY, ENABLE, SET_POLICY)


def token(world: World, *scopes: str) -> str:
    """A token of an account that owns the project, for these scopes only."""
    email = world.account("powerful")
    world.grant(email, "roles/owner")
    scope = " ".join(f"{PREFIX}{name}" for name in scopes)
    answer = world.exchange(assertion(world.key(email), scope=scope))
    return str(answer.json()["access_token"])


@pytest.mark.parametrize(
    ("scope", "allowed"),
    [
        ("cloud-platform", EVERYTHING),
        ("cloud-platform.read-only", (READ, LIST_ACCOUNTS, READ_POLICY)),
        ("bigquery", (READ, MAKE)),
        ("bigquery.readonly", (READ,)),
        ("bigquery.insertdata", ()),
        ("iam", (LIST_ACCOUNTS, MAKE_ACCOUNT)),
        ("service.management", (ENABLE,)),
        ("cloudplatformprojects.readonly", (READ_POLICY,)),
        ("drive", ()),
        ("bigqueri", ()),
    ],
)
def test_a_scope_opens_just_what_it_is_for(world: World, scope: str, allowed: tuple[Call, ...]) -> None:
    held = token(world, scope)
    for method, path, body in EVERYTHING:
        answer = world.call(method, path, held, json=body)
        if (method, path, body) in allowed:
            assert answer.is_success, (path, answer.text)
        else:
            assert "insufficient authentication scopes" in message(answer, 403)
            assert answer.json()["error"]["errors"][0]["reason"] == "insufficientPermissions"


@pytest.mark.parametrize(
    ("sql", "status"),
    [
        ("select 1", 200),
        ("create table new.t as select 1 as a", 403),
        ("delete from new.t where true", 403),
    ],
)
def test_sql_that_changes_something_needs_more_than_a_readers_scope(
    world: World, bigquery: FakeBigQuery, sql: str, status: int
) -> None:
    world.dataset("new")
    answer = world.query(sql, token(world, "bigquery.readonly"))
    assert answer.status_code == status, answer.text
    assert world.query(sql, token_again(world)).status_code == 200


def token_again(world: World) -> str:
    """The same account's token for BigQuery."""
    key = world.key(f"powerful@{PROJECT}.iam.gserviceaccount.com")
    return world.sign_in(key)


@pytest.mark.parametrize(
    "scope", ["cloud-platform", "https://example.com/auth/bigquery", f"{PREFIX}a b/c", ""]
)
def test_what_is_no_scope_of_google_signs_nobody_in(world: World, scope: str) -> None:
    answer = world.exchange(assertion(world.key(world.account()), scope=scope))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


def test_tokens_of_machines_and_impersonation_have_the_scopes_that_were_asked_for(world: World) -> None:
    email = world.account("powerful")
    world.grant(email, "roles/owner")
    world.grant(email, "roles/iam.serviceAccountTokenCreator")
    asked = [f"{PREFIX}bigquery"]
    caller = world.sign_in(world.key(email))
    answer = world.ok(
        "POST", f"/v1/projects/-/serviceAccounts/{email}:generateAccessToken", caller, json={"scope": asked}
    )
    assert world.call("GET", DATASETS, answer["accessToken"]).status_code == 200
    assert world.call("GET", ACCOUNTS, answer["accessToken"]).status_code == 403
    host = world.ok("POST", "/machines", json={"email": email})["metadataHost"]
    path = f"/{host.partition('/')[2]}/computeMetadata/v1/instance/service-accounts/default/token"
    flavor = {"Metadata-Flavor": "Google"}
    narrow = world.ok("GET", f"{path}?scopes={asked[0]}", headers=flavor)["access_token"]
    assert world.call("GET", ACCOUNTS, narrow).status_code == 403
    whole = world.ok("GET", path, headers=flavor)["access_token"]
    assert world.call("GET", ACCOUNTS, whole).status_code == 200
