"""Work queues, flows, held limits and those of tags through their whole life; before a real server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest

from providers.api.errors import GoneError, NameTakenError, RejectedError
from providers.api.http import Requests
from providers.api.server import Server
from providers.engine.lifecycle import Lifecycle
from providers.kinds.flow import Flows
from providers.kinds.global_concurrency_limit import GlobalConcurrencyLimits
from providers.kinds.task_run_concurrency_limit import TaskRunConcurrencyLimits
from providers.kinds.work_queue import WorkQueues
from tests.providers.prefect_server import PrefectServer

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def http(prefect: PrefectServer) -> Iterator[Requests]:
    requests = Requests(Server(prefect.url))
    yield requests
    requests.close()


@pytest.fixture
def pool(prefect: PrefectServer, prefix: str) -> str:
    name = f"{prefix}pool"
    prefect.call("POST", "/work_pools/", json={"name": name, "type": "process"})
    return name


def test_a_queue(http: Requests, pool: str) -> None:
    queues = Lifecycle(WorkQueues(), lambda: http)
    given: dict[str, Any] = {"name": "urgent", "work_pool_name": pool, "concurrency_limit": 0, "priority": 1}
    inputs = queues.check({}, given)
    assert inputs.problems == []
    made, outputs = queues.create(inputs.inputs)
    path = f"/work_pools/{pool}/queues"
    there = http.send("GET", f"{path}/urgent").json()
    assert (there["concurrency_limit"], there["priority"], there["is_paused"]) == (0, 1, False)
    assert queues.read(made, outputs) == outputs
    # What people do: a pause is theirs, a limit is drift, and so is a name.
    http.send("PATCH", f"{path}/urgent", json={"is_paused": True})
    assert queues.read(made, outputs) == outputs
    http.send("PATCH", f"{path}/urgent", json={"concurrency_limit": None, "name": "theirs"})
    drifted = queues.read(made, outputs)
    assert drifted is not None
    assert (drifted["concurrency_limit"], drifted["name"]) == (None, "theirs")
    news = {**outputs, "concurrency_limit": 2, "description": "soon"}
    queues.update(made, outputs, news)
    there = http.send("GET", f"{path}/theirs").json()
    assert (there["concurrency_limit"], there["description"], there["is_paused"]) == (2, "soon", True)
    queues.delete(made, news)
    queues = Lifecycle(WorkQueues(), lambda: http)
    queues.delete(made, news)
    assert queues.read(made, news) is None


def test_a_queue_of_a_pool_that_is_not_there_and_one_that_is_taken(http: Requests, pool: str) -> None:
    def create(**given: Any) -> str:
        queues = Lifecycle(WorkQueues(), lambda: http)
        return queues.create(queues.check({}, given).inputs)[0]

    with pytest.raises(RejectedError, match="has no work pool 'none'"):
        create(name="q", work_pool_name="none")
    with pytest.raises(NameTakenError, match="work queue"):
        create(name="default", work_pool_name=pool, concurrency_limit=3)
    create(name="default", work_pool_name=pool, concurrency_limit=3, adopt=True)
    assert http.send("GET", f"/work_pools/{pool}/queues/default").json()["concurrency_limit"] == 3


class PoolGone(httpx.HTTPTransport):
    """Tells of a queue what Prefect does while its pool is deleted: it reads the queue, then the pool."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        if request.method == "GET" and "queues" in request.url.path:
            there = json.loads(response.read())
            return httpx.Response(200, json={**there, "work_pool_name": None, "work_pool_id": None})
        return response


def test_a_queue_whose_pool_is_deleted_meanwhile_is_gone(
    prefect: PrefectServer, http: Requests, pool: str
) -> None:
    queues = Lifecycle(WorkQueues(), lambda: http)
    made, outputs = queues.create(queues.check({}, {"name": "q", "work_pool_name": pool}).inputs)
    with closing(Requests(Server(prefect.url), transport=PoolGone())) as meanwhile:
        queues = Lifecycle(WorkQueues(), lambda: meanwhile)
        assert queues.read(made, outputs) is None
        with pytest.raises(GoneError, match="no longer in Prefect"):
            queues.update(made, outputs, {**outputs, "description": "soon"})
        queues.delete(made, outputs)


def test_a_flow(http: Requests, prefix: str) -> None:
    flows = Lifecycle(Flows(), lambda: http)
    made, outputs = flows.create(flows.check({}, {"name": f"{prefix}flow", "tags": ["b", "a"]}).inputs)
    assert flows.read(made, outputs) == outputs
    http.send("PATCH", f"/flows/{made}", json={"tags": ["theirs"]})
    assert (flows.read(made, outputs) or {})["tags"] == ["theirs"]
    flows.update(made, outputs, {**outputs, "tags": ["c"]})
    assert http.send("GET", f"/flows/{made}").json()["tags"] == ["c"]
    Lifecycle(Flows(), lambda: http).delete(made, outputs)
    assert flows.read(made, outputs) is None


def test_slots_that_are_held(http: Requests, prefix: str) -> None:
    limits = Lifecycle(GlobalConcurrencyLimits(), lambda: http)
    given = {"name": f"{prefix}limit", "limit": 5, "active_slots": 2}
    made, outputs = limits.create(limits.check({}, given).inputs)
    path = f"/v2/concurrency_limits/{made}"
    assert http.send("GET", path).json()["active_slots"] == 2
    http.send("PATCH", path, json={"active_slots": 4})
    assert limits.read(made, outputs) == outputs
    limits.update(made, outputs, news := {**outputs, "limit": 6})
    assert http.send("GET", path).json()["active_slots"] == 4
    limits.update(made, news, {**news, "active_slots": 0})
    assert http.send("GET", path).json()["active_slots"] == 0


def test_a_limit_of_a_tag(http: Requests, prefix: str) -> None:
    limits = Lifecycle(TaskRunConcurrencyLimits(), lambda: http)
    checked = limits.check({}, {"tag": f"{prefix}bigquery", "concurrency_limit": 10, "dry_run": True})
    assert checked.problems == []
    made, outputs = limits.create(checked.inputs)
    # What Prefect holds task runs to.
    held_to = f"/v2/concurrency_limits/tag:{prefix}bigquery"
    assert http.send("GET", held_to).json()["limit"] == 10
    assert limits.read(made, outputs) == outputs
    # A second one would change the first.
    others = Lifecycle(TaskRunConcurrencyLimits(), lambda: http)
    taken = others.check({}, checked.inputs | {"concurrency_limit": 5, "owner": "p/s#2", "dry_run": True})
    assert "already has task run concurrency limit" in taken.problems[0]
    with pytest.raises(NameTakenError):
        others.create(taken.inputs)
    adopting = Lifecycle(TaskRunConcurrencyLimits(), lambda: http)
    assert adopting.create(taken.inputs | {"adopt": True})[0] == made
    assert (limits.read(made, outputs) or {})["concurrency_limit"] == 5
    limits.update(made, outputs, {**outputs, "concurrency_limit": 20})
    assert http.send("GET", held_to).json()["limit"] == 20
    Lifecycle(TaskRunConcurrencyLimits(), lambda: http).delete(made, outputs)
    assert limits.read(made, outputs) is None
    with pytest.raises(GoneError, match="is no longer in Prefect"):
        limits.update(made, outputs, outputs)
