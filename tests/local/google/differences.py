"""Where the local endpoints differ from Google: each is shown by a call, and docs/local.md has just these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.local.google.world import ACCOUNTS, DATASETS, PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local.google.world import World

POLICY = f"/v1/projects/{PROJECT}"
SCOPE = {"scope": ["https://www.googleapis.com/auth/bigquery"]}


@dataclass(frozen=True)
class Difference:
    """What Google does, what is done here, and a call that tells whether it still is so."""

    what: str
    google: str
    here: str
    holds: Callable[[World], bool]


def set_policy(world: World, role: str, member: str, **more: object) -> int:
    policy = world.ok("POST", f"{POLICY}:getIamPolicy")
    policy["bindings"].append({"role": role, "members": [member]} | more)
    return world.call("POST", f"{POLICY}:setIamPolicy", json={"policy": policy}).status_code


def condition(world: World) -> bool:
    limit = {"title": "t", "expression": 'resource.name.startsWith("x")'}
    return set_policy(world, "roles/viewer", "user:a@example.com", condition=limit) == 400


def custom_role(world: World) -> bool:
    email = world.account()
    given = set_policy(world, f"projects/{PROJECT}/roles/everything", f"serviceAccount:{email}")
    return given == 200 and world.query("select 1", world.sign_in(world.key(email))).status_code == 403


def revoked_at_once(world: World) -> bool:
    email = world.account()
    world.grant(email, "roles/bigquery.jobUser")
    token = world.sign_in(world.key(email))
    before = world.query("select 1", token).status_code
    policy = world.ok("POST", f"{POLICY}:getIamPolicy")
    policy["bindings"] = [kept for kept in policy["bindings"] if kept["role"] == "roles/owner"]
    world.ok("POST", f"{POLICY}:setIamPolicy", json={"policy": policy})
    return (before, world.query("select 1", token).status_code) == (200, 403)


def delegates(world: World) -> bool:
    email = world.account()
    path = f"{ACCOUNTS}/{email}:generateAccessToken"
    policy = {
        "bindings": [{"role": "roles/iam.serviceAccountTokenCreator", "members": ["user:owner@example.com"]}]
    }
    world.ok("POST", f"{ACCOUNTS}/{email}:setIamPolicy", json={"policy": policy})
    chain = {"delegates": [f"projects/-/serviceAccounts/{email}"]}
    return world.call("POST", path, json=SCOPE | chain).status_code == 400


def owner(world: World) -> bool:
    world.dataset("d")
    world.ok("PATCH", f"{DATASETS}/d", json={"access": [{"role": "READER", "userByEmail": "a@example.com"}]})
    return world.call("DELETE", f"{DATASETS}/d").status_code == 204


DIFFERENCES = (
    Difference(
        "the APIs of a new project",
        "are off, but for BigQuery's, Service Usage and some that are not used here",
        "are on, all that are served; one that is switched off refuses all calls, as at Google",
        lambda world: world.call("GET", ACCOUNTS).is_success,
    ),
    Difference(
        "Service Usage's own API",
        "can be switched off",
        "can't",
        lambda world: (
            world.call("POST", f"{POLICY}/services/serviceusage.googleapis.com:disable").status_code == 400
        ),
    ),
    Difference(
        "the platform's owner",
        "has what the policies give, and may lock itself out",
        "may do all but act as a service account",
        owner,
    ),
    Difference(
        "new keys, grants and APIs",
        "need a minute for a key, up to seven for the others",
        "count at once, unless `LOCAL_GOOGLE_KEY_DELAY` and `LOCAL_GOOGLE_GRANT_DELAY` say otherwise",
        lambda world: world.query("select 1", world.token("roles/bigquery.jobUser")).is_success,
    ),
    Difference("a grant that is taken away", "may count for minutes yet", "is gone at once", revoked_at_once),
    Difference(
        "IAM conditions",
        "are evaluated",
        "are refused with 400, but for the one that limits which roles somebody may grant, and times",
        condition,
    ),
    Difference("custom roles", "give what they hold", "are taken, and give nothing", custom_role),
    Difference(
        "roles of services other than BigQuery, IAM, Run, Secret Manager, Service Usage, Storage, projects",
        "have to exist",
        "are taken if they look like one",
        lambda world: set_policy(world, "roles/pubsub.noSuchRole", "user:a@example.com") == 200,
    ),
    Difference(
        "people, groups and domains in a policy",
        "have to exist",
        "are taken as they are; a group has no members",
        lambda world: set_policy(world, "roles/viewer", "group:nobody@example.com") == 200,
    ),
    Difference("chains of delegates", "are followed", "are refused with 400", delegates),
    Difference(
        "service account keys",
        "are of several types",
        "are JSON files with RSA 2048 only; others are refused with 400",
        lambda world: (
            world.call(
                "POST", f"{ACCOUNTS}/{world.account()}/keys", json={"keyAlgorithm": "KEY_ALG_RSA_1024"}
            ).status_code
            == 400
        ),
    ),
    Difference(
        "projects",
        "are made and deleted",
        "are the one of `gcp:project`; any other is not found",
        lambda world: world.call("GET", "/bigquery/v2/projects/elsewhere/datasets").status_code == 404,
    ),
    Difference(
        "legacy SQL",
        "runs",
        "is refused with 400",
        lambda world: (
            world.call(
                "POST",
                f"/bigquery/v2/projects/{PROJECT}/queries",
                json={"query": "select 1", "useLegacySql": True},
            ).status_code
            == 400
        ),
    ),
    Difference(
        "the Storage API (gRPC)",
        "is served",
        "is not; clients read rows over REST",
        lambda world: (
            world.call("POST", "/google.cloud.bigquery.storage.v1.BigQueryRead/ReadRows").status_code == 404
        ),
    ),
)


def table() -> str:
    """The table of docs/local.md."""
    rows = [f"| {one.what} | {one.google} | {one.here} |" for one in DIFFERENCES]
    return "\n".join(["| | Google | here |", "|---|---|---|", *rows])
