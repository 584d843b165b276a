"""What `pulumi up` waits for, against a Google that takes its time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pulumi
import pytest

from infra.google import answers
from local.google.errors import ApiOffError
from tests.serving import served

# As the local platform refuses the calls of an API that is off.
OFF = ApiOffError("iamcredentials.googleapis.com", "IAM Credentials API", "123").body()["error"]
OFF_IN_BIGQUERY = {"code": 403, "message": "It is off.", "errors": [{"reason": "accessNotConfigured"}]}
DENIED = {"code": 403, "message": "Permission denied.", "errors": [{"reason": "accessDenied"}]}
NOT_YET = {"code": 403, "message": "Permission 'iam.serviceAccounts.getAccessToken' denied."}


class Google(HTTPServer):
    """Refuses so many times, then says yes."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.refusals: list[dict[str, Any]] = []
        self.asked: list[str] = []


class Answer(BaseHTTPRequestHandler):
    server: Google

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append(f"{self.command} {self.path} {self.headers['Authorization']}")
        error = self.server.refusals.pop(0) if self.server.refusals else None
        body = json.dumps({"error": error} if error else {}).encode()
        self.send_response(error["code"] if error else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Iterator[Google]:
    monkeypatch.setattr("asyncio.sleep", no_pause)
    with served(Google()) as server:
        at = f"http://127.0.0.1:{server.server_port}/"
        settings = ("bigQueryCustomEndpoint", "iamCustomEndpoint", "iamCredentialsCustomEndpoint")
        pulumi.runtime.set_all_config({f"gcp:{name}": at for name in settings})
        yield server
        pulumi.runtime.set_all_config({})


async def no_pause(_: float) -> None:
    """Instead of seconds."""


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    for level in ("info", "warn"):
        monkeypatch.setattr(pulumi.log, level, lambda line, level=level: lines.append(f"{level}: {line}"))
    return lines


@pytest.mark.parametrize("off", [OFF, OFF_IN_BIGQUERY])
def test_an_api_that_is_just_switched_on_is_waited_for(there: Google, said: list[str], off: Any) -> None:
    there.refusals = [off, off]
    asyncio.run(answers.api_in_force("bigquery", "p", "t"))
    assert there.asked == ["GET /projects/p/datasets?maxResults=1 Bearer t"] * 3
    assert [line.partition(",")[0] for line in said] == [
        "info: waiting for the API bigquery.googleapis.com of p"
    ] * 2
    assert off["message"].rstrip(".") in said[0]


def test_an_api_that_refuses_the_caller_is_on(there: Google, said: list[str]) -> None:
    there.refusals = [DENIED]
    asyncio.run(answers.api_in_force("iam", "p", "t"))
    assert (len(there.asked), said) == (1, [])


def test_an_api_without_a_local_place_or_a_preview_is_not_asked(there: Google) -> None:
    asyncio.run(answers.api_in_force("run", "p", "t"))
    asyncio.run(answers.api_in_force("bigquery", "p", ""))
    assert there.asked == []


def test_the_right_to_act_is_waited_for(there: Google, said: list[str]) -> None:
    there.refusals = [NOT_YET]
    asyncio.run(answers.grant_in_force("dbt@p", "user:a@example.com", "t"))
    assert there.asked == ["POST /projects/-/serviceAccounts/dbt@p:generateAccessToken Bearer t"] * 2
    assert "waiting for the right of user:a@example.com to act as dbt@p" in said[0]


def test_an_api_that_the_stack_does_not_switch_on_is_told_and_not_waited_for(
    there: Google, said: list[str]
) -> None:
    there.refusals = [OFF]
    asyncio.run(answers.grant_in_force("dbt@p", "user:a@example.com", "t"))
    assert len(there.asked) == 1
    [line] = said
    assert line.startswith(
        "warn: user:a@example.com can't act as dbt@p: IAM Credentials API has not been used"
    )
    assert line.endswith("`gcloud services enable iamcredentials.googleapis.com --project 123`.")


def test_the_api_of_tokens_is_asked_for_one_of_nobody(there: Google) -> None:
    asyncio.run(answers.api_in_force("iamcredentials", "p", "t"))
    [asked] = there.asked
    assert asked.startswith("POST /projects/-/serviceAccounts/nobody@p.iam.gserviceaccount.com:")


def test_what_never_comes_is_told_and_does_not_end_the_update(
    there: Google, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "PATIENCE", 0)
    there.refusals = [NOT_YET] * 9
    asyncio.run(answers.grant_in_force("dbt@p", "user:a@example.com", "t"))
    assert len(there.asked) == 1
    assert said[0].startswith("warn: the right of user:a@example.com to act as dbt@p is not in force after 0")
