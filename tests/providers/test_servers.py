"""Which server a stack's objects are on: the state knows it, and nothing is done on another one."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from providers.engine.place import place
from tests.faults import Plan, proxy
from tests.providers.engine import Stack
from tests.providers.prefect_server import PrefectServer

CLOUD = "https://api.prefect.cloud/api/accounts/a1/workspaces/w1"
TWO = """
prefix = config.require("prefix")
Variable("variable", name=prefix + "v", value=config.get_int("value") or 1)
PrefectBlock("block", block_type="secret", block_name=prefix + "b", data={"value": "x"})
"""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://127.0.0.1:4200/api", "http://localhost:4200/api/"),
        ("http://127.0.0.1:4200/api", "http://user:pass@LOCALHOST.:4200//api"),
        ("http://127.0.0.1:4200/api", "http://[::1]:4200/api"),
        ("http://127.0.0.1:4200/api", "http://0.0.0.0:4200/api"),
        ("http://127.0.0.1:4200/api", place("http://127.0.0.1:4200/api")),
        ("http://prefect.example/api", "https://Prefect.Example:443/api?x=1#y"),
        (CLOUD, f"{CLOUD}/"),
    ],
)
def test_one_server_has_many_spellings(one: str, other: str) -> None:
    assert place(one) == place(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://127.0.0.1:4200/api", "http://127.0.0.1:4201/api"),
        ("http://127.0.0.1:4200/api", "http://127.0.0.1:4200/other/api"),
        ("http://one.example/api", "http://two.example/api"),
        (CLOUD, CLOUD.replace("w1", "w2")),
        (CLOUD, CLOUD.replace("a1", "a2")),
        ("http://[fe80::1]:4200/api", "http://[fe80::2]:4200/api"),
    ],
)
def test_other_servers_are_others(one: str, other: str) -> None:
    assert place(one) != place(other)


@pytest.mark.parametrize("url", [None, "", "not an address", "http://", "http://h:port/api"])
def test_no_address_is_no_server(url: str | None) -> None:
    assert place(url) in {"", "not an address"}


@pytest.fixture
def other(prefect: PrefectServer) -> Iterator[str]:
    """An address that to all appearances is another server's."""
    with proxy(prefect.url, Plan(seed=0, share=0)) as before:
        yield before.url


@pytest.mark.real
def test_nothing_is_done_on_another_server_until_the_stack_has_moved(
    stack: Stack, prefect: PrefectServer, other: str, prefix: str
) -> None:
    def refused(*command: str) -> None:
        output = stack.fails(*command)
        for url in (prefect.url, other):
            assert place(url) in output
        assert "Traceback" not in output
        # On either server: one stands behind both.
        assert list(prefect.documents(prefix)) == [f"{prefix}b"]

    stack.config("prefix", prefix)
    stack.pulumi("config", "rm", "prefect:apiUrl")
    stack.environment["PREFECT_API_URL"] = prefect.url
    stack.program(TWO)
    stack.up()
    # What an earlier version wrote does not say where it is; an `up` that changes nothing adds it.
    document = json.loads(stack.state())
    for one in document["checkpoint"]["latest"]["resources"]:
        if "dynamic/prefect" in one["type"]:
            del one["inputs"]["server"], one["outputs"]["server"]
    stack.write_state(json.dumps(document))
    assert stack.up() == {"same": 3}
    stack.environment["PREFECT_API_URL"] = other
    refused("destroy", "--yes", "--skip-preview")
    refused("refresh", "--yes", "--skip-preview")
    refused("preview")
    stack.config("value", "2")
    refused("up", "--yes", "--skip-preview")
    by_another_name = prefect.url.replace("127.0.0.1", "someone@localhost") + "/"
    stack.environment["PREFECT_API_URL"] = by_another_name
    assert stack.up("--refresh") == {"same": 2, "update": 1}
    stack.environment["PREFECT_API_URL"] = other
    stack.environment["PREFECT_MOVED_FROM"] = f"http://elsewhere.example/api, {place(prefect.url)}"
    assert stack.up("--refresh")["same"] == 3
    del stack.environment["PREFECT_MOVED_FROM"]
    stack.pulumi("preview", "--expect-no-changes")
    assert stack.up() == {"same": 3}
    stack.destroy()
    assert prefect.documents(prefix) == {}
