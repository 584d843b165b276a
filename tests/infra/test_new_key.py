"""What is done with a key until Google knows it, against a token endpoint that takes its time."""

from __future__ import annotations

import asyncio
import base64
import datetime
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pulumi
import pytest

from infra.google import new_key
from local.google.iam.keys import credentials_file, generate
from local.google.state import AccountRecord
from tests.serving import served

NOW = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
OLD = "2020-01-01T00:00:00Z"
ACCOUNT = AccountRecord(account_id="dbt-dev", email="dbt-dev@p.iam.gserviceaccount.com", unique_id="1")
REFUSED = {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
GIVEN = {"access_token": "t", "expires_in": 3600, "token_type": "Bearer"}


class Endpoint(HTTPServer):
    """Refuses so many sign-ins, then accepts all."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.refusals = 0
        self.asked = 0


class Answer(BaseHTTPRequestHandler):
    server: Endpoint

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked += 1
        refused = self.server.asked <= self.server.refusals
        body = json.dumps(REFUSED if refused else GIVEN).encode()
        self.send_response(400 if refused else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with served(Endpoint()) as server:
        yield server


def private_key(port: int) -> str:
    """As Google's API gives a key."""
    return base64.b64encode(
        credentials_file(generate(ACCOUNT), ACCOUNT, "p", f"http://127.0.0.1:{port}")
    ).decode()


def use(key: str, valid_after: str | None = NOW) -> dict[str, Any]:
    return asyncio.run(new_key.usable(key, valid_after))


def test_a_new_key_is_kept_back_until_it_signs_in(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    monkeypatch.setattr(pulumi.log, "info", lines.append)
    endpoint.refusals = 1
    key = private_key(endpoint.server_port)
    made = use(key)
    assert made["client_email"] == ACCOUNT.email
    assert endpoint.asked == 1 + new_key.IN_A_ROW
    (told,) = lines
    assert f"waiting for the new key of {ACCOUNT.email}" in told
    assert "Invalid JWT Signature" in told
    assert made["private_key"][40:80] not in told
    assert key[:40] not in told


def test_an_old_key_costs_nothing(endpoint: Endpoint) -> None:
    use(private_key(endpoint.server_port), OLD)
    assert endpoint.asked == 0


def test_a_preview_asks_nothing(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: True)
    use(private_key(endpoint.server_port))
    assert endpoint.asked == 0


def test_a_key_that_stays_unknown_is_an_error(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint.refusals = 10
    monkeypatch.setattr(new_key, "PATIENCE", 0)
    with pytest.raises(pulumi.RunError, match=r"new key of dbt-dev@.*does not accept it.*`pulumi up`"):
        use(private_key(endpoint.server_port))


def test_an_endpoint_that_is_away_is_named(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(new_key, "PATIENCE_UNANSWERED", 0)
    with pytest.raises(pulumi.RunError, match=r"http://127.0.0.1:1/token does not answer"):
        use(private_key(1))


@pytest.mark.parametrize("age", [None, "", "yesterday", "2020-01-01T00:00:00"])
def test_a_key_of_unknown_age_is_new(age: str | None) -> None:
    assert new_key.is_new(age)
    assert not new_key.is_new(OLD)
