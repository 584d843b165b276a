"""An automation whose request was believed lost, and arrived after all: on a real Prefect server."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import httpx
import pytest

from providers.api.http import Requests
from providers.api.server import Server
from providers.kinds.automation import TOLD, Automations
from providers.kinds.kind import only
from providers.kinds.marks import marked
from tests.providers.prefect_server import PrefectServer

pytestmark = pytest.mark.real


class Late(httpx.BaseTransport):
    """Keeps the first creation back until the second one is done, as a slow network may."""

    def __init__(self) -> None:
        self._real = httpx.HTTPTransport()
        self._kept: httpx.Request | None = None
        self.created = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path != "/api/automations/":
            return self._real.handle_request(request)
        if self._kept is None:
            self._kept = request
            raise httpx.ReadTimeout("no answer", request=request)
        response = self._real.handle_request(request)
        response.read()
        late = self._real.handle_request(self._kept)
        late.read()
        self.created += response.is_success + late.is_success
        return response

    def close(self) -> None:
        self._real.close()


def inputs(name: str) -> dict[str, Any]:
    return {
        **Automations.defaults,
        "owner": "try/dev#1",
        "name": name,
        "trigger": {"type": "event", "posture": "Reactive", "expect": ["x"], "threshold": 1},
        "actions": [{"type": "do-nothing"}],
    }


def names(prefect: PrefectServer, prefix: str) -> list[str]:
    """The names of the automations that there are; several may be the same."""
    found = prefect.call("POST", "/automations/filter", json={})
    return sorted(one["name"] for one in found if one["name"].startswith(prefix))


def test_a_twin_that_arrives_late_is_deleted(prefect: PrefectServer, prefix: str) -> None:
    transport = Late()
    with closing(Requests(Server(prefect.url), transport=transport)) as http:
        made = Automations().create(http, inputs(f"{prefix}alerts"))
    assert transport.created == 2
    query = {"automations": {"name": {"any_": [f"{prefix}alerts"]}}}
    [left] = prefect.call("POST", "/automations/filter", json=query)
    assert left["id"] == made.id


def test_one_that_arrives_when_nobody_looks_goes_with_the_next_change(
    prefect: PrefectServer, prefix: str
) -> None:
    kind = Automations()
    old = inputs(f"{prefix}alerts")
    new = old | {"description": "new"}
    other = old | {"description": "somebody else's"}
    with closing(Requests(Server(prefect.url))) as http:
        made = kind.create(http, old)
        late = {**only(old, *TOLD), "enabled": True, "tags": marked([], "try/dev#1")}
        prefect.call("POST", "/automations/", json=late)
        # Another stack's is never a copy, though it does the same.
        theirs = late | {"tags": marked([], "other/dev#2")}
        another: str = prefect.call("POST", "/automations/", json=theirs)["id"]
        prefect.call("POST", "/automations/", json=late | {"description": other["description"]})
        kind.update(http, made.id, old, new)
        assert names(prefect, prefix) == [old["name"]] * 3
        prefect.call("POST", "/automations/", json=late | {"description": "new"})
        kind.delete(http, made.id, new)
    query = {"automations": {"name": {"any_": [old["name"]]}}}
    left = prefect.call("POST", "/automations/filter", json=query)
    assert sorted(one["description"] for one in left) == ["", other["description"]]
    assert another in {one["id"] for one in left}
