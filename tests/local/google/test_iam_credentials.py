"""Acting as a service account, and machines that have one: on the gateway in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.local.google.world import ACCOUNTS, DATASETS, message

if TYPE_CHECKING:
    import httpx

    from tests.local.google.world import World

SCOPE = "https://www.googleapis.com/auth/bigquery"
CREATOR = "roles/iam.serviceAccountTokenCreator"
METADATA = {"Metadata-Flavor": "Google"}


def act(world: World, account: str, token: str | None = None, **body: Any) -> httpx.Response:
    path = f"/v1/projects/-/serviceAccounts/{account}:generateAccessToken"
    return world.call("POST", path, token, json={"scope": [SCOPE], "lifetime": "600s", **body})


def let_act(world: World, account: str, member: str) -> None:
    policy = world.ok("POST", f"{ACCOUNTS}/{account}:getIamPolicy")
    policy["bindings"] = [*policy.get("bindings", []), {"role": CREATOR, "members": [member]}]
    world.ok("POST", f"{ACCOUNTS}/{account}:setIamPolicy", json={"policy": policy})


@pytest.fixture
def dbt(world: World) -> str:
    return world.account("dbt-keyless")


@pytest.fixture
def runner(world: World) -> tuple[str, str]:
    email = world.account("runner")
    return email, world.sign_in(world.key(email))


def test_only_who_may_act_gets_a_token(world: World, dbt: str, runner: tuple[str, str]) -> None:
    email, token = runner
    refused = message(act(world, dbt, token), 403)
    assert email in refused
    assert f"lacks the role {CREATOR}" in refused
    let_act(world, dbt, f"serviceAccount:{email}")
    found = act(world, dbt, token).json()
    assert found["expireTime"].endswith("Z")
    # The token is dbt's, who has no role at all yet.
    assert dbt in message(world.call("POST", DATASETS, found["accessToken"], json={}), 403)


def test_the_projects_owner_is_no_exception(world: World, dbt: str) -> None:
    assert CREATOR in message(act(world, dbt), 403)
    let_act(world, dbt, "user:owner@example.com")
    assert act(world, dbt).status_code == 200


def test_the_role_on_the_project_counts_too(world: World, dbt: str, runner: tuple[str, str]) -> None:
    world.grant(runner[0], CREATOR)
    assert act(world, dbt, runner[1]).status_code == 200


def test_an_account_that_is_gone_is_told_like_one_that_is_closed(world: World) -> None:
    assert "may not exist" in message(act(world, "nobody@demo-flights.iam.gserviceaccount.com"), 403)


@pytest.mark.parametrize(
    "body", [{"lifetime": "3601s"}, {"lifetime": "soon"}, {"scope": []}, {"scope": ["x"]}]
)
def test_what_google_refuses_is_refused(world: World, dbt: str, body: dict[str, Any]) -> None:
    let_act(world, dbt, "user:owner@example.com")
    assert message(act(world, dbt, **body), 400)


def test_a_deleted_accounts_tokens_die(world: World, dbt: str) -> None:
    let_act(world, dbt, "user:owner@example.com")
    token = act(world, dbt).json()["accessToken"]
    world.ok("DELETE", f"{ACCOUNTS}/{dbt}")
    assert message(world.call("GET", DATASETS, token), 401)


def test_a_machine_signs_in_as_its_account(world: World, dbt: str) -> None:
    host = world.ok("POST", "/machines", json={"email": dbt})["metadataHost"]
    path = f"/{host.partition('/')[2]}/computeMetadata/v1/instance/service-accounts/default"
    assert world.call("GET", f"{path}/email", "", headers=METADATA).text == dbt
    token = world.ok("GET", f"{path}/token", "", headers=METADATA)["access_token"]
    assert dbt in message(world.call("POST", DATASETS, token, json={}), 403)
    # A browser that is led to this address sends no such header.
    assert message(world.call("GET", f"{path}/token", ""), 403)


def test_machines_are_the_owners_to_make(world: World, dbt: str, runner: tuple[str, str]) -> None:
    assert message(world.call("POST", "/machines", runner[1], json={"email": dbt}), 403)
    assert message(world.call("POST", "/machines", json={"email": "nobody@x.y"}), 404)
    guessed = "/machines/guess/computeMetadata/v1/instance/service-accounts/default/token"
    assert message(world.call("GET", guessed, "", headers=METADATA), 404)
