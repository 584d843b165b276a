"""A web page and another user of the machine try every port that `make demo` opens. None lets them in."""

from __future__ import annotations

import http.client
import json
import os
import socket
from dataclasses import dataclass, field
from typing import Any

import psutil
import pytest

from local.platform.process import Process
from local.platform.report import SERVICES
from tests.checkout import Checkout

pytestmark = pytest.mark.real

LEAVES_THE_STACK = True

PAGE = {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}
# A form or fetch without a preflight: such a type needs none.
SIMPLE = {"Content-Type": "text/plain"}
NOBODY = 65534


@dataclass(frozen=True)
class Attempt:
    """One thing that a stranger tries on a port."""

    what: str
    method: str
    path: str
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


SHELL = {"pull_steps": [{"prefect.deployments.steps.run_shell_script": {"script": "touch /tmp/taken"}}]}
READ_FILE = {"query": "select content from read_text('/etc/passwd')", "useLegacySql": False}
PREFECT = (
    Attempt("read the page", "GET", "/"),
    Attempt("read the server's settings", "GET", "/api/admin/settings"),
    Attempt(
        "read the blocks' secrets", "POST", "/api/block_documents/filter", {"include_secrets": True}, SIMPLE
    ),
    Attempt("make a deployment that runs a shell step", "POST", "/api/deployments/", SHELL, SIMPLE),
    Attempt("make a flow", "POST", "/api/flows/", {"name": "taken"}, SIMPLE),
    Attempt("empty the database", "POST", "/api/admin/database/clear", {"confirm": True}, SIMPLE),
    Attempt("get a CSRF token", "GET", "/api/csrf-token?client=evil"),
    Attempt(
        "ask for leave to send JSON",
        "OPTIONS",
        "/api/flows/",
        None,
        {"Access-Control-Request-Method": "POST"},
    ),
    Attempt(
        "read the live events",
        "GET",
        "/api/events/out",
        None,
        {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        },
    ),
)
GOOGLE = (
    Attempt("read the page", "GET", "/"),
    Attempt("list the datasets", "GET", "/bigquery/v2/projects/demo-flights/datasets"),
    Attempt("read a file", "POST", "/bigquery/v2/projects/demo-flights/queries", READ_FILE, SIMPLE),
    Attempt("list the service accounts", "GET", "/v1/projects/demo-flights/serviceAccounts"),
    Attempt("make a machine", "POST", "/machines", {"email": "x"}, SIMPLE),
    Attempt("sign in", "POST", "/token", None, {"Content-Type": "application/x-www-form-urlencoded"}),
    Attempt(
        "upload", "POST", "/upload/bigquery/v2/projects/demo-flights/jobs?uploadType=resumable", {}, SIMPLE
    ),
)


def ports(project: Checkout) -> dict[int, tuple[Attempt, ...]]:
    """Every port that the platform should open, and what is tried on it."""
    config = project.settings()
    return {config.google_port: GOOGLE, config.prefect_port: PREFECT}


def send(port: int, attempt: Attempt, headers: dict[str, str], uid: int | None = None) -> int:
    """The status of an answer; the connection is another user's where one is given."""
    own = os.geteuid()
    if uid is not None:
        os.seteuid(uid)
    try:
        sock = socket.create_connection(("127.0.0.1", port), timeout=60)
    finally:
        os.seteuid(own)
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.sock = sock
    try:
        body = json.dumps(attempt.body) if attempt.body is not None else None
        sent = {"Host": f"127.0.0.1:{port}"} | attempt.headers | headers
        connection.request(attempt.method, attempt.path, body, sent)
        return connection.getresponse().status
    finally:
        connection.close()


def test_nothing_else_listens(stack: Checkout) -> None:
    listening = set()
    for service in SERVICES:
        process = Process(service, stack.paths.run, stack.paths.logs).running()
        assert process
        for member in [process, *process.children(recursive=True)]:
            connections = member.net_connections("inet")
            listening |= {at.laddr for at in connections if at.status == psutil.CONN_LISTEN}
    assert {at.port for at in listening} == set(ports(stack))
    assert {at.ip for at in listening} == {"127.0.0.1"}


def test_nobody_else_may_enter_what_is_kept(stack: Checkout) -> None:
    # The emulator's socket is in there, too.
    assert stack.paths.state.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("who", "headers", "refusals"),
    [
        ("a page from elsewhere", PAGE, {403}),
        ("a sandboxed frame", {"Origin": "null"}, {403}),
        ("a page of another port", {"Origin": "http://127.0.0.1:8000", "Sec-Fetch-Site": "same-site"}, {403}),
        (
            "an image or a script of a page",
            {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
            {403},
        ),
        ("a page whose name leads here", {"Host": "evil.example"}, {421, 403}),
    ],
)
def test_a_page_is_refused(stack: Checkout, who: str, headers: dict[str, str], refusals: set[int]) -> None:
    for port, attempts in ports(stack).items():
        for attempt in attempts:
            assert send(port, attempt, headers) in refusals, f"{who}: {attempt.what}"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
def test_another_user_is_refused(stack: Checkout) -> None:
    for port, attempts in ports(stack).items():
        for attempt in attempts:
            assert send(port, attempt, {}, NOBODY) == 403, attempt.what


def test_this_user_and_the_own_page_are_served(stack: Checkout) -> None:
    config = stack.settings()
    health = Attempt("", "GET", "/api/health")
    assert send(config.prefect_port, health, {}) == 200
    assert send(config.prefect_port, health, {"Origin": config.prefect_page}) == 200
    assert send(config.google_port, Attempt("", "GET", "/health"), {}) == 200
