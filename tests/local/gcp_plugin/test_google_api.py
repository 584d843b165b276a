"""The HTTP client: retries, errors and what they never show."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from local.gcp_plugin import google_api
from local.gcp_plugin.config import Config
from local.gcp_plugin.errors import GoogleError, PluginError
from local.gcp_plugin.google_api import Google
from tests.local.gcp_plugin import fake


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(google_api, "_FIRST_WAIT_SECONDS", 0.0)


def answers(*responses: httpx.Response | Exception) -> tuple[Google, list[httpx.Request]]:
    """A service that gives these one after another, and what it was asked."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        response = responses[min(len(asked), len(responses)) - 1]
        if isinstance(response, Exception):
            raise response
        return response

    return fake.google(answer), asked


def call(google: Google, method: str, **options: Any) -> dict[str, Any]:
    return fake.run(
        google.call("bigquery", method, "projects/p/datasets", doing="reading Dataset", **options)
    )


def ok() -> httpx.Response:
    return httpx.Response(200, json={"ok": True})


def test_call_is_signed_and_goes_to_the_endpoint() -> None:
    google, asked = answers(ok())
    assert call(google, "GET", params={"a": "b"}) == {"ok": True}
    assert str(asked[0].url) == "http://service/bigquery/v2/projects/p/datasets?a=b"
    assert asked[0].headers["Authorization"] == "Bearer ya29.token"


@pytest.mark.parametrize("first", [fake.refusal(503), fake.refusal(429), httpx.ReadTimeout("slow")])
def test_busy_service_is_asked_again(first: httpx.Response | Exception) -> None:
    google, asked = answers(first, ok())
    assert call(google, "GET") == {"ok": True}
    assert len(asked) == 2


def test_creation_is_not_repeated() -> None:
    google, asked = answers(fake.refusal(503))
    with pytest.raises(GoogleError, match="Error 503"):
        call(google, "POST", body={})
    assert len(asked) == 1


def test_creation_is_repeated_where_nothing_listened() -> None:
    google, asked = answers(httpx.ConnectError("refused"), ok())
    assert call(google, "POST", body={}) == {"ok": True}
    assert len(asked) == 2


def test_it_gives_up() -> None:
    google, asked = answers(fake.refusal(500, "broken", "internal"))
    with pytest.raises(GoogleError) as caught:
        call(google, "GET")
    assert len(asked) == google_api._ATTEMPTS
    assert str(caught.value) == (
        "reading Dataset: GET projects/p/datasets: googleapi: Error 500: broken, internal"
    )


def test_nobody_listens() -> None:
    google, _ = answers(httpx.ConnectError("refused"))
    with pytest.raises(
        PluginError, match=r"no answer .refused.*python -m local up.*gcp:bigQueryCustomEndpoint"
    ):
        call(google, "GET")


def test_answer_that_is_no_json() -> None:
    google, _ = answers(httpx.Response(404, text="<html>no such page</html>"))
    with pytest.raises(GoogleError, match="Error 404: <html>no such page</html>"):
        call(google, "GET")


def test_no_token() -> None:
    google = Google(Config(endpoints={"bigquery": "http://service"}))
    with pytest.raises(PluginError, match="set GOOGLE_OAUTH_ACCESS_TOKEN"):
        call(google, "GET")


@pytest.mark.parametrize("response", [fake.refusal(403), httpx.ReadTimeout("slow")])
def test_errors_do_not_show_the_token(response: httpx.Response | Exception) -> None:
    google, _ = answers(response)
    with pytest.raises(PluginError) as caught:
        call(google, "POST", body={"privateKeyData": "SECRET"})
    assert "ya29.token" not in str(caught.value)
    assert "SECRET" not in str(caught.value)
