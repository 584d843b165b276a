"""A work pool that is there already, such as a worker makes that finds none; no template; no pool."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest

from providers.api.errors import NameTakenError
from providers.api.http import Requests
from providers.api.server import Server
from providers.catalog.job_templates import committed
from providers.engine.lifecycle import Lifecycle
from providers.kinds.deployment import Deployments
from providers.kinds.work_pool import WorkPools
from providers.values import UNKNOWN
from tests.providers.prefect_server import PrefectServer


def test_a_pool_without_a_template_has_that_of_prefect_s_own_worker() -> None:
    pools = Lifecycle(WorkPools(), lambda: Requests(Server("http://127.0.0.1:1/api")))
    olds = {**WorkPools.defaults, "name": "p", "type": "process", "base_job_template": committed("process")}
    checked = pools.check(olds, {"name": "p", "type": "process"})
    assert checked.problems == []
    assert not pools.diff("id", olds, checked.inputs).changes
    (said,) = WorkPools().problems({"name": "p", "type": "ecs"})
    assert said.startswith("base_job_template: is missing; only of process, docker, kubernetes, cloud-run-v2")
    assert WorkPools().problems({"name": "p", "type": UNKNOWN}) == []


def adopt(prefect: PrefectServer, name: str, pool_type: str, *, with_adopt: bool = True) -> str:
    """What a stack does that has such a pool, with `adopt` or not; the pool's id."""
    wanted: dict[str, Any] = {
        **WorkPools.defaults,
        "name": name,
        "type": pool_type,
        "base_job_template": committed(pool_type),
        "description": "mine",
        "adopt": with_adopt,
    }
    with closing(Requests(Server(prefect.url))) as http:
        made, _ = Lifecycle(WorkPools(), lambda: http).create(wanted)
    return made


def test_a_queue_of_no_pool_is_refused() -> None:
    given = {**Deployments.defaults, "name": "d", "flow_name": "f", "work_queue_name": "q"}
    (said,) = Deployments().problems(given)
    assert said == "work_queue_name: is a queue of the work_pool, which is missing"
    assert Deployments().problems(given | {"work_pool_name": UNKNOWN}) == []


@pytest.mark.real
def test_a_pool_is_taken_over_but_not_into_another_type(prefect: PrefectServer, prefix: str) -> None:
    name = f"{prefix}pool"
    made: dict[str, Any] = prefect.call("POST", "/work_pools/", json={"name": name, "type": "process"})
    for with_adopt in (True, False):
        with pytest.raises(NameTakenError) as refused:
            adopt(prefect, name, "kubernetes", with_adopt=with_adopt)
        assert f"work pool '{name}', of type 'process', which can't become 'kubernetes'" in str(refused.value)
        assert f"`prefect work-pool delete {name}`" in str(refused.value)
    assert prefect.call("GET", f"/work_pools/{name}")["description"] is None
    assert adopt(prefect, name, "process") == made["id"]
    assert prefect.call("GET", f"/work_pools/{name}")["description"] == "mine"
