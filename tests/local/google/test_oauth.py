"""Sign-in: only a signature of a key that exists gets a token, and it lasts no longer than the key."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import httpx
import jwt
import pytest

from tests.local.google.conftest import gateway
from tests.local.google.fake_bigquery import FakeBigQuery
from tests.local.google.in_process import InProcess
from tests.local.google.world import ACCOUNTS, DATASETS, World, assertion, message

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any


def refusal(answer: httpx.Response) -> str:
    assert answer.status_code == 400, answer.text
    assert set(answer.json()) == {"error", "error_description"}
    return str(answer.json()["error"])


def test_key_gets_a_token(world: World) -> None:
    answer = world.exchange(assertion(world.key(world.account())))
    assert answer.json()["expires_in"] == 3600
    assert answer.json()["token_type"] == "Bearer"
    assert world.call("GET", DATASETS, answer.json()["access_token"]).status_code == 200


def test_gateways_own_address_is_an_audience(world: World) -> None:
    signed = assertion(world.key(world.account()), aud="http://127.0.0.1:19050/token")
    assert world.exchange(signed).status_code == 200


def test_a_new_key_may_stay_unknown_for_a_while(tmp_path: Path) -> None:
    transport = InProcess(gateway(tmp_path, FakeBigQuery(), key_delay=60))
    with httpx.Client(transport=transport, base_url="http://127.0.0.1:19050") as client:
        world = World(client, (tmp_path / "owner-token").read_text())
        assert refusal(world.exchange(assertion(world.key(world.account())))) == "invalid_grant"


def test_a_key_made_before_the_delay_was_switched_on_is_known(tmp_path: Path) -> None:
    def started(key_delay: float) -> InProcess:
        return InProcess(gateway(tmp_path, FakeBigQuery(), key_delay=key_delay))

    with httpx.Client(transport=started(0), base_url="http://127.0.0.1:19050") as client:
        world = World(client, (tmp_path / "owner-token").read_text())
        key = world.key(world.account())
    with httpx.Client(transport=started(60), base_url="http://127.0.0.1:19050") as client:
        world = World(client, (tmp_path / "owner-token").read_text())
        assert world.exchange(assertion(key)).status_code == 200
        newer = world.key(key["client_email"])
        assert refusal(world.exchange(assertion(newer))) == "invalid_grant"


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "https://example.com/token"},
        # Numbers are seconds from now.
        {"exp": -3600, "iat": -7200},
        {"iat": 600, "exp": 1200},
        {"exp": 36_000},
        {"exp": None},
        {"iat": None},
        {"aud": None},
        {"iss": "nobody@demo-flights.iam.gserviceaccount.com"},
        {"iss": None},
    ],
)
def test_bad_claims_get_none(world: World, changed: dict[str, Any]) -> None:
    now = int(time.time())
    claims = {name: now + value if isinstance(value, int) else value for name, value in changed.items()}
    signed = assertion(world.key(world.account()), **claims)
    assert refusal(world.exchange(signed)) == "invalid_grant"


def test_no_scope_gets_none(world: World) -> None:
    assert refusal(world.exchange(assertion(world.key(world.account()), scope=""))) == "invalid_scope"


def test_another_keys_signature_gets_none(world: World) -> None:
    email = world.account()
    key, other = world.key(email), world.key(email)
    forged = assertion(key | {"private_key": other["private_key"]})
    assert refusal(world.exchange(forged)) == "invalid_grant"


def test_another_accounts_key_gets_none(world: World) -> None:
    victim, thief = world.account("the-victim"), world.key(world.account("the-thief"))
    assert refusal(world.exchange(assertion(thief, iss=victim))) == "invalid_grant"


def test_unsigned_and_hmac_tokens_get_none(world: World) -> None:
    key = world.key(world.account())
    claims = jwt.decode(assertion(key), options={"verify_signature": False})
    headers = {"kid": key["private_key_id"]}
    unsigned = jwt.encode(claims, "", algorithm="none", headers=headers)
    hmac = jwt.encode(claims, "secret" * 10, algorithm="HS256", headers=headers)
    assert refusal(world.exchange(unsigned)) == "invalid_grant"
    assert refusal(world.exchange(hmac)) == "invalid_grant"
    assert refusal(world.exchange("no.jwt")) == "invalid_grant"


def test_other_grants_are_refused(world: World) -> None:
    signed = assertion(world.key(world.account()))
    assert refusal(world.exchange(signed, "refresh_token")) == "unsupported_grant_type"


def test_deleted_key_gets_no_more_tokens_but_those_it_got_last(world: World) -> None:
    key = world.key(world.account())
    token = world.sign_in(key)
    world.ok("DELETE", f"{ACCOUNTS}/{key['client_email']}/keys/{key['private_key_id']}")
    assert refusal(world.exchange(assertion(key))) == "invalid_grant"
    assert world.call("GET", DATASETS, token).status_code == 200


def test_deleted_accounts_tokens_die_even_if_it_comes_back(world: World) -> None:
    key = world.key(world.account())
    token = world.sign_in(key)
    world.ok("DELETE", f"{ACCOUNTS}/{key['client_email']}")
    assert message(world.call("GET", DATASETS, token), 401)
    world.account()
    assert message(world.call("GET", DATASETS, token), 401)
    assert refusal(world.exchange(assertion(key))) == "invalid_grant"


def test_disabled_account_is_out_until_enabled(world: World) -> None:
    key = world.key(world.account())
    token = world.sign_in(key)
    world.ok("POST", f"{ACCOUNTS}/{key['client_email']}:disable")
    assert message(world.call("GET", DATASETS, token), 401)
    assert refusal(world.exchange(assertion(key))) == "invalid_grant"
    world.ok("POST", f"{ACCOUNTS}/{key['client_email']}:enable")
    assert world.call("GET", DATASETS, token).status_code == 200


def test_token_expires(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    token = world.sign_in(world.key(world.account()))
    later = time.time() + 3601
    monkeypatch.setattr(time, "time", lambda: later)
    assert message(world.call("GET", DATASETS, token), 401)


@pytest.mark.parametrize(
    "header", [{}, {"Authorization": "Bearer "}, {"Authorization": "Bearer x"}, {"Authorization": "Basic x"}]
)
@pytest.mark.parametrize(
    "path",
    [DATASETS, f"{DATASETS}/d/tables/t", ACCOUNTS, "/v1/projects/demo-flights", "/bigquery/v2/projects"],
)
def test_nothing_is_open_without_a_token(world: World, path: str, header: dict[str, str]) -> None:
    answer = world.client.get(path, headers=header)
    assert "invalid authentication credentials" in message(answer, 401)
    assert answer.json()["error"]["status"] == "UNAUTHENTICATED"
    assert answer.headers["www-authenticate"].startswith("Bearer")
