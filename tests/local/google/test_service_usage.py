"""APIs that are switched on: on the gateway in this process."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from flows.target import api_off
from local.google.iam.apis import SERVED
from tests.local.google.test_grants import world_with
from tests.local.google.world import ACCOUNTS, PROJECT, message

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.local.google.fake_bigquery import FakeBigQuery
    from tests.local.google.world import World

SERVICES = f"/v1/projects/{PROJECT}/services"
IAM = "iam.googleapis.com"


def on(world: World) -> set[str]:
    return {found["config"]["name"] for found in world.ok("GET", SERVICES)["services"]}


def test_apis_are_switched_on_and_off(world: World) -> None:
    assert on(world) == SERVED
    others = ["run.googleapis.com", "secretmanager.googleapis.com"]
    assert world.ok("POST", f"{SERVICES}:batchEnable", json={"serviceIds": others})["done"]
    world.ok("POST", f"{SERVICES}/{IAM}:enable", json={})
    assert on(world) == {*SERVED, *others}
    for name in (IAM, others[0]):
        world.ok("POST", f"{SERVICES}/{name}:disable", json={})
        assert world.ok("GET", f"{SERVICES}/{name}")["state"] == "DISABLED"
    assert on(world) == {*SERVED, others[1]} - {IAM}


def test_every_call_of_an_api_that_is_off_is_refused_as_at_google(world: World) -> None:
    world.dataset("d")
    email = world.account()
    token = world.sign_in(world.key(email))
    calls = {
        "bigquery": ("POST", f"/bigquery/v2/projects/{PROJECT}/queries"),
        "cloudresourcemanager": ("GET", f"/v1/projects/{PROJECT}"),
        "iam": ("GET", f"{ACCOUNTS}/{email}"),
        "iamcredentials": ("POST", f"/v1/projects/-/serviceAccounts/{email}:generateAccessToken"),
    }
    body = {"query": "select 1", "useLegacySql": False, "scope": ["https://www.googleapis.com/auth/bigquery"]}
    before = {name: world.call(*call, json=body).status_code for name, call in calls.items()}
    for name, own in calls.items():
        service = f"{name}.googleapis.com"
        world.ok("POST", f"{SERVICES}/{service}:disable", json={})
        for other, call in calls.items():
            answer = world.call(*call, json=body)
            if other != name:
                assert answer.status_code == before[other]
                continue
            number = world.ok("GET", f"{SERVICES}/{service}")["parent"].removeprefix("projects/")
            error = answer.json()["error"]
            page = f"https://console.developers.google.com/apis/api/{service}/overview?project={number}"
            assert f" API has not been used in project {number} before or it is disabled." in error["message"]
            assert f"Enable it by visiting {page} then retry." in error["message"]
            assert (error["code"], error["errors"][0]["reason"]) == (403, "accessNotConfigured")
            reason = {"service": service, "consumer": f"projects/{number}"}
            assert (error["details"][1]["reason"], error["details"][1]["metadata"]) == (
                "SERVICE_DISABLED",
                reason,
            )
            command = f"`gcloud services enable {service} --project {number}`."
            assert api_off.advice(error["message"], "x").endswith(command)
            # Whoever calls, before any role is looked at.
            assert world.call(*call, token, json=body).json()["error"]["message"] == error["message"]
        world.ok("POST", f"{SERVICES}/{service}:enable", json={})
        assert world.call(*own, json=body).status_code == before[name]


def test_an_api_that_is_on_again_needs_its_time_and_is_off_after_a_restart(
    tmp_path: Path, bigquery: FakeBigQuery, monkeypatch: pytest.MonkeyPatch
) -> None:
    with world_with(tmp_path, bigquery, 60) as world:
        assert world.call("GET", ACCOUNTS).is_success
        world.ok("POST", f"{SERVICES}/{IAM}:disable", json={})
    with world_with(tmp_path, bigquery, 60) as world:
        assert "it is disabled" in world.call("GET", ACCOUNTS).json()["error"]["message"]
        world.ok("POST", f"{SERVICES}/{IAM}:enable", json={})
        assert world.ok("GET", f"{SERVICES}/{IAM}")["state"] == "ENABLED"
        assert "it is disabled" in world.call("GET", ACCOUNTS).json()["error"]["message"]
        now = time.time()
        monkeypatch.setattr("local.google.iam.apis.time.time", lambda: now + 61)
        assert world.call("GET", ACCOUNTS).is_success


def test_a_name_that_is_none_is_refused(world: World) -> None:
    assert message(world.call("POST", f"{SERVICES}/bigquery:enable", json={}), 404)
    assert message(world.call("POST", f"{SERVICES}:batchEnable", json={"serviceIds": []}), 400)
    assert message(world.call("POST", f"{SERVICES}/serviceusage.googleapis.com:disable", json={}), 400)


def test_only_who_may(world: World) -> None:
    assert message(world.call("GET", SERVICES, world.token("roles/bigquery.jobUser")), 403)
