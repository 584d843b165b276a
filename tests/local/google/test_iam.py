"""Service accounts and keys, as IAM answers them."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate

from tests.local.google.world import ACCOUNTS, PROJECT, message

if TYPE_CHECKING:
    from pathlib import Path

    from tests.local.google.world import World

EMAIL = f"dbt-test@{PROJECT}.iam.gserviceaccount.com"


def test_account_is_created_read_listed(world: World) -> None:
    made = world.ok(
        "POST", ACCOUNTS, json={"accountId": "dbt-test", "serviceAccount": {"displayName": "dbt"}}
    )
    assert made["name"] == f"projects/{PROJECT}/serviceAccounts/{EMAIL}"
    assert (made["email"], made["displayName"], made["projectId"]) == (EMAIL, "dbt", PROJECT)
    assert world.ok("GET", f"{ACCOUNTS}/{EMAIL}") == made
    assert world.ok("GET", f"{ACCOUNTS}/{made['uniqueId']}") == made
    assert world.ok("GET", f"/v1/projects/-/serviceAccounts/{EMAIL}") == made
    assert world.ok("GET", ACCOUNTS) == {"accounts": [made]}


def test_account_is_kept_at_once(world: World, tmp_path: Path) -> None:
    world.account("dbt-test")
    assert EMAIL in (tmp_path / "state.json").read_text()


def test_second_account_of_the_same_id_is_refused(world: World) -> None:
    world.account("dbt-test")
    answer = world.call("POST", ACCOUNTS, json={"accountId": "dbt-test"})
    assert message(answer, 409) == (
        f"Service account dbt-test already exists within project projects/{PROJECT}."
    )
    assert answer.json()["error"]["status"] == "ALREADY_EXISTS"


@pytest.mark.parametrize("account_id", ["", "short", "x" * 31, "Upper-case", "1digit-first", "ends-with-"])
def test_bad_account_id_is_refused(world: World, account_id: str) -> None:
    assert "account ID" in message(world.call("POST", ACCOUNTS, json={"accountId": account_id}), 400)


def test_patch_changes_what_the_mask_names(world: World) -> None:
    world.account("dbt-test")
    sent = {"serviceAccount": {"displayName": "new", "description": "no"}, "updateMask": "displayName"}
    changed = world.ok("PATCH", f"{ACCOUNTS}/{EMAIL}", json=sent)
    assert changed["displayName"] == "new"
    assert "description" not in changed


def test_deleted_account_is_unknown(world: World) -> None:
    world.account("dbt-test")
    world.ok("DELETE", f"{ACCOUNTS}/{EMAIL}")
    assert "Unknown service account" in message(world.call("GET", f"{ACCOUNTS}/{EMAIL}"), 404)


def test_key_file_holds_a_real_key_that_signs_in_here(world: World) -> None:
    key = world.key(world.account())
    private = load_pem_private_key(key["private_key"].encode(), None)
    assert private.key_size == 2048  # type: ignore[union-attr]
    assert key["token_uri"] == "http://127.0.0.1:19050/token"
    assert key["type"] == "service_account"
    assert key["client_email"] == EMAIL


def test_private_key_is_not_kept(world: World, tmp_path: Path) -> None:
    key = world.key(world.account())
    kept = (tmp_path / "state.json").read_text()
    assert key["private_key_id"] in kept
    assert "PRIVATE KEY" not in kept
    assert key["private_key"].splitlines()[1] not in kept


def test_key_is_listed_read_and_deleted(world: World) -> None:
    email = world.account()
    key_id = world.key(email)["private_key_id"]
    path = f"{ACCOUNTS}/{email}/keys/{key_id}"
    listed = world.ok("GET", f"{ACCOUNTS}/{email}/keys")["keys"]
    assert [key["name"] for key in listed] == [path.removeprefix("/v1/")]
    assert "privateKeyData" not in world.ok("GET", path)
    world.ok("DELETE", path)
    assert key_id in message(world.call("GET", path), 404)
    assert world.ok("GET", f"{ACCOUNTS}/{email}/keys") == {"keys": []}


def test_public_key_comes_as_a_certificate(world: World) -> None:
    key = world.key(world.account())
    path = f"{ACCOUNTS}/{EMAIL}/keys/{key['private_key_id']}"
    read = world.ok("GET", path, params={"publicKeyType": "TYPE_X509_PEM_FILE"})
    certificate = load_pem_x509_certificate(base64.b64decode(read["publicKeyData"]))
    private = load_pem_private_key(key["private_key"].encode(), None)
    assert certificate.public_key() == private.public_key()


def test_eleventh_key_is_refused(world: World) -> None:
    email = world.account()
    for _ in range(10):
        world.key(email)
    assert "Maximum number of keys" in message(world.call("POST", f"{ACCOUNTS}/{email}/keys", json={}), 400)


def test_other_key_algorithm_is_refused(world: World) -> None:
    path = f"{ACCOUNTS}/{world.account()}/keys"
    answer = world.call("POST", path, json={"keyAlgorithm": "KEY_ALG_RSA_1024"})
    assert "use KEY_ALG_RSA_2048" in message(answer, 400)


def test_account_without_a_role_may_not_make_accounts(world: World) -> None:
    answer = world.call("POST", ACCOUNTS, world.token(), json={"accountId": "another-one"})
    assert "roles/iam.serviceAccountAdmin" in message(answer, 403)


def test_role_on_the_project_opens_iam(world: World) -> None:
    token = world.token("roles/iam.serviceAccountAdmin")
    email = world.ok("POST", ACCOUNTS, token, json={"accountId": "another-one"})["email"]
    assert message(world.call("POST", f"{ACCOUNTS}/{email}/keys", token, json={}), 403)


def test_body_that_is_no_json_is_refused(world: World) -> None:
    assert "JSON" in message(world.call("POST", ACCOUNTS, content=b"{"), 400)
    assert "object" in message(world.call("POST", ACCOUNTS, content=b"[]"), 400)


def test_accounts_own_policy(world: World) -> None:
    email = world.account()
    policy = world.ok("POST", f"{ACCOUNTS}/{email}:getIamPolicy")
    policy["bindings"] = [{"role": "roles/iam.serviceAccountUser", "members": ["user:a@example.com"]}]
    assert world.ok("POST", f"{ACCOUNTS}/{email}:setIamPolicy", json={"policy": policy})["bindings"]
    stale = world.call("POST", f"{ACCOUNTS}/{email}:setIamPolicy", json={"policy": policy})
    assert "concurrent policy changes" in message(stale, 409)
