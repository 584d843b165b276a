"""One object of each kind put through a client, and what the server must hold after each step."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

from providers.api.http import Requests
from providers.api.server import Server
from providers.engine.lifecycle import Lifecycle
from providers.kinds.registry import kind_named
from tests.faults import Plan, Proxy
from tests.providers.chains import ANSWER_TIMEOUT
from tests.providers.objects_there import There
from tests.providers.prefect_server import PrefectServer

# The pool first: a queue is in it.
ORDER = (
    "work-pool",
    "work-queue",
    "deployment",
    "flow",
    "global-concurrency-limit",
    "variable",
    "automation",
    "block-type",
    "task-run-concurrency-limit",
)


def inputs(prefix: str, version: int) -> dict[str, dict[str, Any]]:
    """What a program says about each kind."""
    command = {"type": "object", "properties": {"command": {"type": "string"}}}
    owned: dict[str, dict[str, Any]] = {
        "work-pool": {
            "name": f"{prefix}pool",
            "type": "process",
            "base_job_template": {"job_configuration": {"command": "{{ command }}"}, "variables": command},
            "concurrency_limit": version,
        },
        "work-queue": {
            "name": f"{prefix}queue",
            "work_pool_name": f"{prefix}pool",
            "concurrency_limit": version,
        },
        "flow": {"name": f"{prefix}own-flow", "tags": [f"v{version}"]},
        "deployment": {
            "name": f"{prefix}deployment",
            "flow_name": f"{prefix}flow",
            "entrypoint": "flow.py:main",
            "schedules": {"nightly": {"cron": f"{version} 2 * * *", "timezone": "UTC"}},
        },
        "global-concurrency-limit": {"name": f"{prefix}limit", "limit": version},
        "variable": {"name": f"{prefix}variable", "value": {"version": version}},
        "automation": {
            "name": f"{prefix}automation",
            "trigger": {
                "type": "event",
                "posture": "Reactive",
                "expect": ["prefect.flow-run.Failed"],
                "threshold": version,
            },
            "actions": [{"type": "do-nothing"}],
        },
        "block-type": {
            "slug": f"{prefix}type",
            "name": f"{prefix}type",
            "fields": {"properties": {f"v{version}": {"type": "string"}}},
        },
        "task-run-concurrency-limit": {"tag": f"{prefix}tag", "concurrency_limit": version},
    }
    return {kind: {**given, "owner": f"mixtures#{prefix}"} for kind, given in owned.items()}


def run(proxy: Proxy, direct: PrefectServer, prefix: str, seed: int, share: float = 0.3) -> Plan:
    """Put one of each through its whole life at once, by one seed's faults. Raises if anything is amiss."""
    name = f"{prefix}{seed}-"
    there = There(direct, name)
    proxy.plan = plan = Plan(seed, share=share)
    server = Server(proxy.url)
    with closing(Requests(server, answer_timeout=ANSWER_TIMEOUT)) as http, ThreadPoolExecutor(4) as pool:

        def commanded() -> dict[str, Lifecycle]:
            """Each command of Pulumi has a provider process of its own."""
            return {kind: Lifecycle(kind_named(kind), lambda: http) for kind in ORDER}

        up = commanded()
        made = {kind: _checked(up[kind], inputs(name, 1)[kind]) for kind in ORDER}
        ids = {ORDER[0]: up[ORDER[0]].create(made[ORDER[0]])[0]}
        rest = ORDER[1:]
        ids |= zip(rest, pool.map(lambda kind: up[kind].create(made[kind])[0], rest), strict=True)
        _settled(proxy, there, ids, 1)
        again = commanded()
        news = {kind: _checked(again[kind], inputs(name, 2)[kind]) for kind in ORDER}
        list(pool.map(lambda kind: again[kind].update(ids[kind], made[kind], news[kind]), ORDER))
        _settled(proxy, there, ids, 2)
        refresh = commanded()
        for kind in ORDER:
            found = refresh[kind].read(ids[kind], news[kind])
            assert found is not None
            assert not refresh[kind].diff(ids[kind], found, news[kind]).changes
        destroy = commanded()
        list(pool.map(lambda kind: destroy[kind].delete(ids[kind], news[kind]), ORDER))
    proxy.drain()
    assert there.nothing()
    return plan


def _checked(lifecycle: Lifecycle, given: dict[str, Any]) -> dict[str, Any]:
    checked = lifecycle.check({}, given)
    assert checked.problems == []
    return checked.inputs


def _settled(proxy: Proxy, there: There, ids: dict[str, str], version: int) -> None:
    proxy.drain()
    pool, deployment, variable = there.pool(), there.deployment(), there.variable()
    limit, tag_limit, automations = there.limit(), there.tag_limit(), there.automations()
    queue, flow, block_type = there.queue(), there.flow(), there.block_type()
    # A request to create it that arrived very late has made a copy, which goes with the next change.
    assert len(automations) == 1 or version == 1
    automation = next(one for one in automations if one["id"] == ids["automation"])
    assert pool
    assert deployment
    assert limit
    assert tag_limit
    assert variable
    assert queue
    assert flow
    assert block_type
    objects = (pool, queue, deployment, flow, limit, variable, automation, block_type, tag_limit)
    assert [one["id"] for one in objects] == [ids[kind] for kind in ORDER]
    limits = {limit["limit"], *(one["concurrency_limit"] for one in (pool, queue, tag_limit))}
    assert limits == {version}
    assert f"v{version}" in flow["tags"]
    assert there.has_field(f"v{version}")
    assert variable["value"] == {"version": version}
    assert there.schedule("nightly")["schedule"]["cron"] == f"{version} 2 * * *"
    assert automation["trigger"]["threshold"] == version
