"""APIs that are switched on: on the gateway in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.local.google.world import PROJECT, message

if TYPE_CHECKING:
    from tests.local.google.world import World

SERVICES = f"/v1/projects/{PROJECT}/services"
IAM = "iam.googleapis.com"


def on(world: World) -> set[str]:
    return {found["config"]["name"] for found in world.ok("GET", SERVICES)["services"]}


def test_apis_are_switched_on_and_off(world: World) -> None:
    assert on(world) == set()
    assert world.ok("POST", f"{SERVICES}:batchEnable", json={"serviceIds": [IAM, "bigquery.googleapis.com"]})[
        "done"
    ]
    world.ok("POST", f"{SERVICES}/{IAM}:enable", json={})
    assert on(world) == {IAM, "bigquery.googleapis.com"}
    world.ok("POST", f"{SERVICES}/{IAM}:disable", json={})
    assert world.ok("GET", f"{SERVICES}/{IAM}")["state"] == "DISABLED"
    assert on(world) == {"bigquery.googleapis.com"}


def test_a_name_that_is_none_is_refused(world: World) -> None:
    assert message(world.call("POST", f"{SERVICES}/bigquery:enable", json={}), 404)
    assert message(world.call("POST", f"{SERVICES}:batchEnable", json={"serviceIds": []}), 400)


def test_only_who_may(world: World) -> None:
    assert message(world.call("GET", SERVICES, world.token("roles/bigquery.jobUser")), 403)
