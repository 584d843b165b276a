"""What the errors of Prefect's client mean."""

from __future__ import annotations

import json

import httpx

from flows.target.prefect_api import is_away, lost


def test_prefect_is_lost_only_where_prefect_says_so() -> None:
    for cause in (httpx.ConnectError("away"), json.JSONDecodeError("no JSON", "<html>", 0)):
        error = RuntimeError("Failed to reach API")
        error.__cause__ = cause
        assert lost(error)
        assert lost(cause) == isinstance(cause, httpx.HTTPError)
    assert not lost(RuntimeError("can't start new thread"))
    assert not lost(RecursionError())
    assert not lost(None)


def test_prefect_is_away_where_asking_again_may_help() -> None:
    def answered(status: int) -> httpx.HTTPStatusError:
        request = httpx.Request("GET", "https://x.example")
        return httpx.HTTPStatusError("no", request=request, response=httpx.Response(status))

    assert [status for status in (401, 403, 404, 429, 500, 503) if is_away(answered(status))] == [
        429,
        500,
        503,
    ]
    assert is_away(httpx.ConnectError("refused"))
    # As where the key has been revoked since the run began: it is refused for good.
    error = RuntimeError("Failed to reach API")
    error.__cause__ = answered(403)
    assert not is_away(error)
    assert not is_away(RuntimeError("can't start new thread"))
