"""Pool, deployment, limit, variable and automation under the real engine, before a real Prefect server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.faults import BEFORE, Plan, proxy
from tests.providers import kills, object_kills, object_mixtures, object_programs
from tests.providers.engine import Stack
from tests.providers.objects_there import There
from tests.providers.prefect_server import PrefectServer

pytestmark = pytest.mark.real


@pytest.fixture
def up(stack: Stack, prefix: str) -> Stack:
    """A stack of one object of each kind that is up."""
    stack.config("prefix", prefix)
    stack.program(object_programs.ALL)
    stack.up()
    return stack


@pytest.fixture
def there(prefect: PrefectServer, prefix: str) -> There:
    return There(prefect, prefix)


def test_up_preview_refresh_and_destroy(up: Stack, there: There) -> None:
    pool, deployment = there.pool(), there.deployment()
    assert pool
    assert deployment
    assert (pool["type"], pool["concurrency_limit"], pool["is_paused"]) == ("process", 3, False)
    assert deployment["work_pool_name"] == pool["name"]
    assert deployment["global_concurrency_limit"]["limit"] == 1
    assert deployment["concurrency_options"]["collision_strategy"] == "CANCEL_NEW"
    exact = {"null": None, "big": {"x": 2**53 + 1}}
    assert deployment["parameters"] == {"target": "dev", "half": 0.5, "none": "", **exact}
    assert there.schedule("nightly")["schedule"]["timezone"] == "Europe/Paris"
    variable = there.variable()
    assert variable
    assert variable["value"] == {"a": [1, 0.5, ""], "none": None}
    related = there.automation()["trigger"]["match_related"]
    assert related["prefect.resource.id"] == f"prefect.deployment.{deployment['id']}"
    limit = there.limit()
    assert limit
    assert (limit["limit"], limit["active"], limit["slot_decay_per_second"]) == (3, True, 0)
    # Somebody holds a slot: neither a change nor a reason to stay.
    there.change_limit(active_slots=1)
    up.pulumi("preview", "--expect-no-changes")
    up.pulumi("refresh", "--yes", "--expect-no-changes")
    assert up.destroy()["delete"] == 7
    assert there.nothing()


def test_what_others_change_is_seen_and_repaired(up: Stack, there: There) -> None:
    there.change_pool(concurrency_limit=None, description="theirs")
    there.change_deployment(parameters={"target": "dev", "half": 1}, tags=[], concurrency_limit=None)
    there.change_schedule("nightly", schedule={"cron": "0 3 * * *", "timezone": "UTC"})
    there.change_limit(limit=5, slot_decay_per_second=0.5, active_slots=2)
    there.change_variable(value="theirs")
    there.change_automation(trigger={**there.automation()["trigger"], "threshold": 5})
    assert up.refresh() == {"same": 2, "update": 5}
    # Slots that decay would make a difference to those that are held.
    assert up.up() == {"same": 2, "update": 5}
    limit = there.limit()
    assert limit
    assert (limit["limit"], limit["slot_decay_per_second"], limit["active_slots"]) == (3, 0, 2)
    pool, deployment, variable = there.pool(), there.deployment(), there.variable()
    assert pool
    assert deployment
    assert variable
    assert (pool["concurrency_limit"], pool["description"]) == (3, "runs here")
    assert deployment["parameters"]["half"] == 0.5
    assert sorted(deployment["tags"]) == ["a", "b"]
    assert deployment["global_concurrency_limit"]["limit"] == 1
    assert there.schedule("nightly")["schedule"]["cron"] == "0 2 * * *"
    assert variable["value"] == {"a": [1, 0.5, ""], "none": None}
    assert there.automation()["trigger"]["threshold"] == 1
    up.pulumi("preview", "--expect-no-changes")


def test_what_others_delete_is_made_again_and_destroy_accepts_what_is_gone(up: Stack, there: There) -> None:
    there.delete_all()
    assert up.up("--refresh")["create"] == 5
    assert there.schedule("hourly")["active"]
    up.pulumi("preview", "--expect-no-changes")
    there.delete_all()
    assert up.destroy()["delete"] == 7


def test_what_people_switch_off_in_prefects_page_stays_off(up: Stack, there: There) -> None:
    there.change_pool(is_paused=True)
    there.change_limit(active=False)
    there.change_schedule("nightly", active=False)
    there.enable_automation(enabled=False)
    theirs = [{"schedule": {"cron": "5 5 * * *"}, "active": True}]
    there.prefect.call("POST", f"/deployments/{_id(there.deployment())}/schedules", json=theirs)
    up.pulumi("refresh", "--yes", "--expect-no-changes")
    # A change of something else, of each of the four.
    up.config("limit", "4")
    up.config("cron", "0 4 * * *")
    up.config("hook", "other-hook")
    assert up.up("--refresh")["update"] == 4
    off = {"pool": False, "limit": False, "nightly": False, "automation": False}
    assert _states(there) == off | {"hourly": True}
    assert (there.limit() or {})["limit"] == 4
    assert there.schedule("nightly")["schedule"]["cron"] == "0 4 * * *"
    deployment = there.deployment()
    assert deployment
    assert {one["slug"] for one in deployment["schedules"]} == {"nightly", "hourly", None}
    # What the program itself switches is switched.
    up.config("hourlyOff", "true")
    up.up()
    assert _states(there) == off | {"hourly": False}
    up.config("onlyNightly", "true")
    up.up()
    deployment = there.deployment()
    assert deployment
    assert {one["slug"] for one in deployment["schedules"]} == {"nightly", None}


def test_a_program_that_manages_the_state_switches_it_back(up: Stack, there: There) -> None:
    there.change_pool(is_paused=True)
    there.change_limit(active=False)
    there.change_schedule("nightly", active=False)
    there.enable_automation(enabled=False)
    up.config("manage", "true")
    assert up.up()["update"] == 4
    on = {"pool": True, "limit": True, "nightly": True, "hourly": True, "automation": True}
    assert _states(there) == on
    there.change_pool(is_paused=True)
    there.change_limit(active=False)
    there.change_schedule("nightly", active=False)
    there.enable_automation(enabled=False)
    assert up.up("--refresh")["update"] == 4
    assert _states(there) == on


def test_replacements_keep_references_right(up: Stack, there: There, prefix: str) -> None:
    before = _id(there.deployment())
    # A pool's type can't change and its name is taken, so the old pool goes first and takes its queues along.
    up.config("type", "docker")
    up.up()
    pool, deployment = there.pool(), there.deployment()
    assert pool
    assert deployment
    assert pool["type"] == "docker"
    assert (deployment["id"], deployment["work_pool_name"]) == (before, pool["name"])
    up.config("name", f"{prefix}renamed")
    up.up()
    renamed = there.deployment("renamed")
    assert there.deployment() is None
    related = there.automation()["trigger"]["match_related"]
    assert related["prefect.resource.id"] == f"prefect.deployment.{_id(renamed)}"
    up.pulumi("refresh", "--yes", "--expect-no-changes")


def test_another_stacks_objects_are_refused_at_preview_and_with_adopt_taken_over(
    up: Stack, there: There, tmp_path: Path, pulumi_bin: Path, prefix: str
) -> None:
    def ids() -> list[str]:
        found = (there.pool(), there.deployment(), there.limit(), there.variable(), there.automation())
        return [_id(one) for one in found]

    before = ids()
    # Of the same name too, by the same program.
    other = Stack(tmp_path / "other", up.api_url, pulumi_bin, number=1)
    other.config("prefix", prefix)
    other.program(object_programs.ALL)
    output = other.fails("preview")
    # The engine stops at the first; `test_owners` has each kind.
    assert f"Prefect at {up.api_url} already has " in output
    assert "with the same settings" in output
    assert "Traceback" not in output
    other.program(object_programs.ALL.replace('"runs here"', '"mine"').replace('"x"', '"mine"'))
    assert "already has" in other.fails("up", "--yes", "--skip-preview")
    other.destroy()
    up.pulumi("refresh", "--yes", "--expect-no-changes")
    other.config("adopt", "true")
    other.config("limit", "4")
    output = other.pulumi("preview")
    assert f"adopt: work pool '{prefix}pool', of the Pulumi stack try/dev, is taken over" in output
    other.up()
    pool, limit = there.pool(), there.limit()
    assert pool
    assert limit
    assert (pool["description"], limit["limit"]) == ("mine", 4)
    assert ids() == before
    other.pulumi("preview", "--expect-no-changes")
    # The first stack has no say any more in what shows whose it is.
    up.destroy()
    assert (_id(there.pool()), _id(there.deployment()), _id(there.automation())) == tuple(
        before[at] for at in (0, 1, 4)
    )
    other.destroy()
    assert there.nothing()


@pytest.mark.parametrize("seed", [1, 2])
def test_lost_answers_leave_no_duplicate_and_no_false_conflict(
    tmp_path: Path, pulumi_bin: Path, prefect: PrefectServer, prefix: str, there: There, seed: int
) -> None:
    # Of these, the server did what was asked for and the answer was lost.
    faults = (*BEFORE, "503 after", "504 after", "reset after", "half an answer")
    with proxy(prefect.url, Plan(seed=seed, share=0)) as before:
        stack = Stack(tmp_path, before.url, pulumi_bin)
        stack.config("prefix", prefix)
        stack.program(object_programs.ALL)
        before.plan = Plan(seed=seed, share=0.4, faults=faults)
        stack.up()
        assert len(there.automations()) == 1
        on = ("pool", "limit", "nightly", "hourly", "automation")
        assert _states(there) == dict.fromkeys(on, True)
        stack.config("cron", "0 4 * * *")
        stack.config("limit", "4")
        assert stack.up()["update"] == 3
        assert there.schedule("nightly")["schedule"]["cron"] == "0 4 * * *"
        stack.destroy()
        assert sum(before.plan.counts.values()) > before.plan.counts["requests"]
    assert there.nothing()


def test_seeded_mixtures_of_faults_late_writes_among_them(prefect: PrefectServer, prefix: str) -> None:
    with proxy(prefect.url, Plan(seed=0, share=0)) as before:
        for seed in range(8):
            assert object_mixtures.run(before, prefect, prefix, seed).counts["requests"] > 0


def test_a_killed_up_and_a_killed_destroy_are_taken_on(
    tmp_path: Path, pulumi_bin: Path, prefect: PrefectServer, there: There, prefix: str
) -> None:
    """`python -m benchmarks.provider_faults` kills many more."""
    with proxy(prefect.url, Plan(seed=0, share=0)) as before:
        stack = Stack(tmp_path, before.url, pulumi_bin)
        object_kills.prepare(stack, prefix)
        assert kills.kill(stack, lambda: there.pool() is not None, *kills.UP)
        kills.recover(stack, *kills.UP)
        object_kills.check(there, 3, "0 2 * * *")
        stack.pulumi("preview", "--expect-no-changes")
        # So that there is a middle: the deployment goes after the automations, the pool after that.
        before.plan = Plan(seed=0, share=1, faults=("slow answer",), slow=0.5)
        assert kills.kill(stack, lambda: there.automations() == [], *kills.DESTROY)
        before.plan = Plan(seed=0, share=0)
        before.drain()
        assert not there.nothing()
        kills.recover(stack, *kills.DESTROY)
        assert there.nothing()


def test_mistakes_are_told_at_preview(stack: Stack, prefix: str) -> None:
    stack.config("prefix", prefix)
    program = object_programs.ALL
    for right, wrong in (
        ('"Europe/Paris"', '"Europe/Pariss"'),
        ('"0 2 * * *"', '"at two"'),
    ):
        program = program.replace(right, wrong)
    stack.program(program)
    output = stack.fails("preview")
    for told in (
        "schedules.nightly.timezone: 'Europe/Pariss' is no time zone",
        "schedules.nightly.cron: 'at two' is no cron line",
    ):
        assert told in output
    assert "Traceback" not in output
    name = "24b9d4e8-2f2c-4a5e-9d3f-1f6c1c6a7b10"
    stack.program(f'GlobalConcurrencyLimit("l", name="{name}", limit=1)')
    assert f"name: {name!r} reads as an id, and Prefect would take it for one" in stack.fails("preview")


def test_a_deployment_of_a_pool_that_is_not_there_says_so(stack: Stack, prefix: str) -> None:
    names = f'name="{prefix}d", flow_name="{prefix}f", work_pool="{prefix}none"'
    stack.program(f'Deployment("d", {names}, entrypoint="f.py:f")')
    output = stack.fails("up", "--yes", "--skip-preview")
    assert (
        f"deployment '{prefix}f/{prefix}d': Prefect at {stack.api_url} has no work pool '{prefix}none'"
        in output
    )
    stack.program(f'ExistingBlock("b", block_type="slack-webhook", block_name="{prefix}none")')
    assert f"has no block slack-webhook/{prefix}none" in stack.fails("preview")


def test_a_block_that_cannot_notify_is_refused(stack: Stack, prefix: str) -> None:
    data = '{"value": "v"}'
    made = f'PrefectBlock("s", block_type="secret", block_name="{prefix}s", data={data})\n'
    stack.program(made)
    stack.up()
    found = f'ExistingBlock("b", block_type="secret", block_name="{prefix}s", capability="notify")'
    stack.program(f"{made}{found}")
    output = stack.fails("preview")
    assert f"block secret/{prefix}s is not for this" in output
    assert "the capability 'notify'" in output


def _id(found: dict[str, Any] | None) -> str:
    assert found
    return str(found["id"])


def _states(there: There) -> dict[str, bool]:
    pool, limit = there.pool(), there.limit()
    assert pool
    assert limit
    return {
        "pool": not pool["is_paused"],
        "limit": limit["active"],
        "nightly": there.schedule("nightly")["active"],
        "hourly": there.schedule("hourly")["active"],
        "automation": there.automation()["enabled"],
    }
