"""Grants that need their time, and who may grant just some roles."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.local.google.conftest import gateway
from tests.local.google.fake_bigquery import FakeBigQuery
from tests.local.google.in_process import InProcess
from tests.local.google.world import DATASETS, PROJECT, World, message

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

POLICY = f"/v1/projects/{PROJECT}"
ADMIN = "roles/resourcemanager.projectIamAdmin"
CREATOR = "roles/iam.serviceAccountTokenCreator"
JOB_USER = "roles/bigquery.jobUser"
ONLY_JOBS = f"api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', []).hasOnly(['{JOB_USER}'])"


@contextmanager
def world_with(state: Path, bigquery: FakeBigQuery, delay: float) -> Iterator[World]:
    transport = InProcess(gateway(state, bigquery, grant_delay=delay))
    with httpx.Client(transport=transport, base_url="http://127.0.0.1:19050") as client:
        yield World(client, (state / "owner-token").read_text())


def test_a_new_grant_does_not_count_yet_an_old_one_does(tmp_path: Path, bigquery: FakeBigQuery) -> None:
    with world_with(tmp_path, bigquery, 0) as world:
        world.dataset("d")
        old = world.account("old-one")
        world.grant(old, JOB_USER)
        world.share("d", "READER", old)
        key = world.key(old)
    with world_with(tmp_path, bigquery, 60) as world:
        new = world.account("new-one")
        world.grant(new, JOB_USER)
        world.share("d", "READER", new)
        for holder, status in ((world.sign_in(key), 200), (world.sign_in(world.key(new)), 403)):
            assert world.query("select 1", holder).status_code == status
            assert world.call("GET", f"{DATASETS}/d", holder).status_code == status


def test_the_delay_is_over_at_some_time(
    tmp_path: Path, bigquery: FakeBigQuery, monkeypatch: pytest.MonkeyPatch
) -> None:
    with world_with(tmp_path, bigquery, 60) as world:
        email = world.account("new-one")
        world.grant(email, JOB_USER)
        token = world.sign_in(world.key(email))
        assert world.query("select 1", token).status_code == 403
        now = time.time()
        monkeypatch.setattr("local.google.iam.settling.time.time", lambda: now + 61)
        assert world.query("select 1", token).status_code == 200


def test_acting_as_an_account_needs_its_time_too(tmp_path: Path, bigquery: FakeBigQuery) -> None:
    with world_with(tmp_path, bigquery, 60) as world:
        dbt = world.account("dbt-test")
        policy = {"bindings": [{"role": CREATOR, "members": ["user:owner@example.com"]}]}
        account = f"/v1/projects/{PROJECT}/serviceAccounts/{dbt}"
        world.ok("POST", f"{account}:setIamPolicy", json={"policy": policy})
        asked = {"scope": ["https://www.googleapis.com/auth/bigquery"]}
        assert world.call("POST", f"{account}:generateAccessToken", json=asked).status_code == 403


def test_who_makes_a_dataset_owns_it_at_once(tmp_path: Path, bigquery: FakeBigQuery) -> None:
    with world_with(tmp_path, bigquery, 0) as world:
        email = world.account("deployer")
        world.grant(email, "roles/bigquery.user")
        key = world.key(email)
    with world_with(tmp_path, bigquery, 60) as world:
        token = world.sign_in(key)
        world.ok("POST", DATASETS, token, json={"datasetReference": {"datasetId": "own"}})
        world.ok("PATCH", f"{DATASETS}/own", token, json={"description": "mine"})


def test_a_time_decides_whether_a_grant_counts(world: World) -> None:
    email = world.account("worker")
    token = world.sign_in(world.key(email))
    for expression, status in (
        ('request.time < timestamp("2020-01-01T00:00:00Z")', 403),
        ('request.time > timestamp("2020-01-01T00:00:00Z")', 200),
    ):
        policy = world.ok("POST", f"{POLICY}:getIamPolicy")
        condition = {"title": expression, "expression": expression}
        bound = {"role": JOB_USER, "members": [f"serviceAccount:{email}"], "condition": condition}
        policy["bindings"].append(bound)
        world.ok("POST", f"{POLICY}:setIamPolicy", json={"policy": policy})
        assert world.query("select 1", token).status_code == status


@pytest.fixture
def limited(world: World) -> str:
    """A token of an account that may grant one role."""
    email = world.account("deployer")
    policy = world.ok("POST", f"{POLICY}:getIamPolicy")
    condition = {"title": "just ours", "expression": ONLY_JOBS}
    policy["bindings"].append({"role": ADMIN, "members": [f"serviceAccount:{email}"], "condition": condition})
    kept = world.ok("POST", f"{POLICY}:setIamPolicy", json={"policy": policy})
    assert kept["version"] == 3
    assert kept["bindings"][-1]["condition"] == condition
    return world.sign_in(world.key(email))


def change(world: World, token: str, role: str, member: str = "user:a@example.com") -> httpx.Response:
    policy = world.ok("POST", f"{POLICY}:getIamPolicy", token)
    policy["bindings"].append({"role": role, "members": [member]})
    return world.call("POST", f"{POLICY}:setIamPolicy", token, json={"policy": policy})


def test_a_condition_lets_grant_and_revoke_just_some_roles(world: World, limited: str) -> None:
    assert change(world, limited, JOB_USER).status_code == 200
    for role in ("roles/owner", "roles/bigquery.admin", ADMIN):
        assert f"may not grant or revoke {role}" in message(change(world, limited, role), 403)
    policy = world.ok("POST", f"{POLICY}:getIamPolicy", limited)
    policy["bindings"] = [kept for kept in policy["bindings"] if kept["role"] == JOB_USER]
    # Its own limit is no role that it may change.
    assert world.call("POST", f"{POLICY}:setIamPolicy", limited, json={"policy": policy}).status_code == 403
    policy = world.ok("POST", f"{POLICY}:getIamPolicy", limited)
    policy["bindings"] = [kept for kept in policy["bindings"] if kept["role"] != JOB_USER]
    assert world.call("POST", f"{POLICY}:setIamPolicy", limited, json={"policy": policy}).is_success
