"""An automation whose request was believed lost, and arrived after all: on a real Prefect server."""

from __future__ import annotations

from contextlib import closing

import httpx
import pytest

from providers.http import Requests, Server
from providers.objects.automation import Automations
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


def test_a_twin_that_arrives_late_is_deleted(prefect: PrefectServer, prefix: str) -> None:
    kind, transport = Automations(), Late()
    inputs = {
        **kind.defaults,
        "name": f"{prefix}alerts",
        "trigger": {"type": "event", "posture": "Reactive", "expect": ["x"], "threshold": 1},
        "actions": [{"type": "do-nothing"}],
    }
    with closing(Requests(Server(prefect.url), transport=transport)) as http:
        made = kind.create(http, inputs)
    assert transport.created == 2
    query = {"automations": {"name": {"any_": [inputs["name"]]}}}
    [left] = prefect.call("POST", "/automations/filter", json=query)
    assert left["id"] == made.id
