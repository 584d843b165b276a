"""`kills` for the other objects: kill an `up` or `destroy` of one of each kind, and recover."""

from __future__ import annotations

from collections import Counter

from tests.providers import object_programs
from tests.providers.engine import Stack
from tests.providers.kills import Longest, both
from tests.providers.objects_there import There


def prepare(stack: Stack, prefix: str) -> None:
    stack.program(object_programs.EVERY)
    stack.config("prefix", prefix)


def run(stack: Stack, there: There, seed: int, longest: Longest) -> Counter[str]:
    """One round: kill an `up` that makes or changes objects, and a `destroy`; recover from each."""
    limit, cron = seed + 4, f"{seed % 60} 2 * * *"
    stack.config("limit", str(limit))
    stack.config("cron", cron)

    def none_there() -> None:
        assert there.nothing()

    return both(stack, seed, longest, lambda: check(there, limit, cron), none_there)


def check(there: There, limit: int, cron: str) -> None:
    """Exactly the declared objects are there, with these settings."""
    pool, deployment, variable = there.pool(), there.deployment(), there.variable()
    slots, tag_limit, queue = there.limit(), there.tag_limit(), there.queue()
    assert pool
    assert deployment
    assert slots
    assert tag_limit
    assert variable
    assert queue
    assert there.flow()
    limits = {slots["limit"], *(one["concurrency_limit"] for one in (pool, queue, tag_limit))}
    assert limits == {limit}
    assert variable["value"] == {"a": [1, 0.5, ""], "none": None}
    assert {one["slug"] for one in deployment["schedules"]} == {"nightly", "hourly"}
    assert there.schedule("nightly")["schedule"]["cron"] == cron
    related = there.automation()["trigger"]["match_related"]
    assert related["prefect.resource.id"] == f"prefect.deployment.{deployment['id']}"
