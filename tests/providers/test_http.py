"""Retries, turns and errors, on a transport that is handed in."""

from __future__ import annotations

import base64
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from providers.api import http
from providers.api.errors import NotPrefectError, PrefectError, RefusedError, RejectedError, UnreachableError
from providers.api.http import Requests
from providers.api.server import Server

URL = "http://prefect.test/api"
CLOUD = "https://api.prefect.cloud/api/accounts/a/workspaces/w"
Step = int | Exception | httpx.Response


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def requests(
    handler: Callable[[httpx.Request], httpx.Response],
    clock: Clock | None = None,
    server: Server | None = None,
) -> Requests:
    clock = clock or Clock()
    return Requests(
        server or Server(URL),
        transport=httpx.MockTransport(handler),
        sleep=clock.sleep,
        clock=lambda: clock.now,
        jitter=random.Random(0),
    )


def script(*steps: Step) -> tuple[Callable[[httpx.Request], httpx.Response], list[httpx.Request]]:
    """A server that answers step after step, the last one for ever; and the requests it saw."""
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        step = steps[min(len(seen), len(steps) - 1)]
        seen.append(request)
        if isinstance(step, Exception):
            raise step
        return httpx.Response(step, json={}) if isinstance(step, int) else step

    return handler, seen


@pytest.mark.parametrize("fault", [429, 502, 503, 504, httpx.ReadError("reset"), httpx.ReadTimeout("slow")])
def test_tries_again(fault: Step) -> None:
    handler, seen = script(fault, fault, 200)
    assert requests(handler).send("GET", "/x").status_code == 200
    assert len(seen) == 3


@pytest.mark.parametrize("status", [400, 404, 405, 409, 422, 500])
def test_does_not_try_again(status: int) -> None:
    handler, seen = script(status)
    with pytest.raises(RejectedError, match=f"HTTP {status}"):
        requests(handler).send("POST", "/x")
    assert len(seen) == 1


def test_pauses_grow_and_are_jittered() -> None:
    clock = Clock()
    handler, _ = script(503, 503, 503, 503, 503, 503, 503, 503, 200)
    requests(handler, clock).send("GET", "/x")
    longest = [min(http.FIRST_PAUSE * 2**attempt, http.LONGEST_PAUSE) for attempt in range(8)]
    assert all(most / 4 <= slept <= most for slept, most in zip(clock.slept, longest, strict=True))
    assert len(set(clock.slept)) == 8


def test_waits_as_long_as_the_server_asks() -> None:
    clock = Clock()
    handler, _ = script(httpx.Response(429, headers={"Retry-After": "7"}), 200)
    requests(handler, clock).send("GET", "/x")
    assert clock.slept == [7.0]


def test_gives_up_with_the_last_reason() -> None:
    clock = Clock()
    handler, _ = script(503)
    with pytest.raises(RejectedError, match=r"kept failing for \d+ s, at last with: HTTP 503"):
        requests(handler, clock).send("GET", "/x")
    assert http.PATIENCE < clock.now < http.PATIENCE + http.LONGEST_PAUSE


def test_unreachable_says_where_and_what_to_do() -> None:
    clock = Clock()
    handler, _ = script(httpx.ConnectError("refused"))
    with pytest.raises(UnreachableError, match=r"prefect.test/api.*python -m local up.*prefect:apiUrl"):
        requests(handler, clock).send("GET", "/x")
    assert clock.now < 2 * http.DOWN_PATIENCE


def test_looks_before_it_repeats_what_may_be_done() -> None:
    handler, seen = script(503)
    done = httpx.Response(200, json={"id": "1"})
    assert requests(handler).send("POST", "/x", look=lambda: done) is done
    assert len(seen) == 1


def test_does_not_look_when_nothing_was_sent() -> None:
    handler, seen = script(httpx.ConnectError("refused"), 201)
    looks: list[None] = []
    assert requests(handler).send("POST", "/x", look=lambda: looks.append(None)).status_code == 201
    assert (len(seen), looks) == (2, [])


def test_looks_a_last_time_before_giving_up() -> None:
    clock = Clock()
    handler, _ = script(503)
    done = httpx.Response(200, json={"id": "1"})
    sent = requests(handler, clock)
    assert sent.send("POST", "/x", look=lambda: done if clock.now > http.PATIENCE else None) is done


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key(status: int) -> None:
    handler, _ = script(status)
    with pytest.raises(RefusedError, match="PREFECT_API_KEY"):
        requests(handler, server=Server(URL, api_key="pnu_marker")).send("GET", "/x")


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(404, json={"detail": "Not Found"}),
        httpx.Response(200, html="<html>the web page</html>"),
        httpx.Response(302, html="<html>sign in</html>"),
    ],
)
def test_not_prefect_s_api(answer: httpx.Response) -> None:
    handler, _ = script(answer)
    with pytest.raises(NotPrefectError, match="/api"):
        requests(handler).send("GET", "/x", accept=frozenset({404}))


@pytest.mark.parametrize("url", ["ftp://prefect.test/api", "prefect.test/api", "http://[::1/api"])
def test_not_an_address(url: str) -> None:
    with pytest.raises(NotPrefectError, match="is no address like"):
        Requests(Server(url))


def test_an_error_never_quotes_what_was_sent() -> None:
    detail = [{"loc": ["body", "data"], "msg": "got s3cret-marker", "input": {"key": "s3cret-marker"}}]
    handler, _ = script(httpx.Response(422, json={"detail": detail}))
    with pytest.raises(RejectedError) as raised:
        requests(handler).send("POST", "/x", json={"data": {"key": "s3cret-marker"}})
    assert "s3cret-marker" not in str(raised.value)
    assert "body.data: got [secret]" in str(raised.value)


def told(status: int, body: Any, server: Server | None = None) -> str:
    """What a user is told of an answer."""
    handler, _ = script(httpx.Response(status, json=body))
    with pytest.raises(PrefectError) as raised:
        requests(handler, server=server).send("POST", "/x", json={})
    return str(raised.value)


def test_a_self_hosted_server_s_reasons_are_passed_on() -> None:
    reasons = [
        {
            "type": "missing",
            "loc": ["body", "schedule", "IntervalSchedule", "interval"],
            "msg": "Field required",
        },
        {"type": "extra_forbidden", "loc": ["body", "schedule", "IntervalSchedule", "cron"], "msg": "Extra"},
        {
            "type": "value_error",
            "loc": ["body", "schedule", "function-after[validate_timezone(), CronSchedule]", "cron"],
            "msg": "Value error, Invalid cron string",
            "input": "s3cret-marker",
        },
    ]
    body = {"exception_message": "Invalid request received.", "exception_detail": reasons, "request_body": {}}
    text = told(422, body)
    assert text.endswith("HTTP 422; body.schedule.cron: Value error, Invalid cron string")


def test_who_is_refused_hears_why_and_what_helps() -> None:
    cloud = Server(CLOUD, api_key="key", credentials="PREFECT_API_KEY")
    plan = told(403, {"detail": "Your plan does not support push work pools."}, cloud)
    assert "does not support push work pools.)" in plan
    assert "set PREFECT_API_KEY" not in plan
    assert "PREFECT_API_KEY is not what it takes" in told(401, {"detail": "Invalid"}, cloud)
    assert "set PREFECT_API_KEY" in told(401, {"exception_message": "Unauthorized"})
    kept = Server(URL, api_key="old", credentials="prefect:apiKey")
    assert "run `pulumi up` first" in told(401, {"exception_message": "Unauthorized"}, kept)


def test_prefect_is_reached_once_whoever_asks() -> None:
    handler, seen = script(200)
    there = requests(handler)
    for _ in range(3):
        there.reach()
    assert [request.url.path for request in seen] == ["/api/flows/filter"]


def test_who_is_not_let_in_hears_it_each_time_and_asks_once() -> None:
    handler, seen = script(httpx.Response(401, json={"detail": "Invalid"}))
    away = requests(handler)
    for _ in range(3):
        with pytest.raises(RefusedError, match="Invalid"):
            away.reach()
    assert len(seen) == 1


def test_the_key_is_in_no_representation() -> None:
    assert "marker" not in repr(Server(URL, api_key="marker", auth_string="marker"))


@pytest.mark.parametrize(
    ("server", "header"),
    [
        (Server(URL), None),
        (Server(CLOUD, api_key="pnu_1"), "Bearer pnu_1"),
        (
            Server(URL, auth_string="admin:pass:word"),
            f"Basic {base64.b64encode(b'admin:pass:word').decode()}",
        ),
    ],
)
def test_signs_in(server: Server, header: str | None) -> None:
    handler, seen = script(200)
    requests(handler, server=server).send("GET", "/x")
    assert seen[0].headers.get("Authorization") == header
    assert str(seen[0].url) == f"{server.api_url}/x"


def most_at_once(method: str, server: Server) -> int:
    """How many requests of eight threads the server saw at the same time."""
    guard, now, most = threading.Lock(), [0], [0]

    def handler(_: httpx.Request) -> httpx.Response:
        with guard:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.02)
        with guard:
            now[0] -= 1
        return httpx.Response(200, json={})

    def send(_: Any) -> None:
        # Each thread with a client of its own: turns are taken at the server, not at the client.
        requests(handler, server=server).send(method, "/x")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(send, range(8)))
    return most[0]


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_writers_of_one_server_take_turns(method: str) -> None:
    assert most_at_once(method, Server(URL)) == 1


def test_readers_do_not() -> None:
    assert most_at_once("GET", Server(URL)) > 1


def test_writers_in_the_cloud_do_not() -> None:
    assert most_at_once("POST", Server(CLOUD)) > 1


def test_every_error_is_one_that_the_user_sees_plainly() -> None:
    assert all(issubclass(error, PrefectError) for error in (RefusedError, RejectedError, UnreachableError))
