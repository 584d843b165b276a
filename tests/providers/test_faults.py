"""Lost answers and kills. `python -m benchmarks.provider_faults` runs many more of both."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults import Plan, proxy
from tests.providers import chains, kills
from tests.providers.engine import Stack
from tests.providers.prefect_server import PrefectServer

pytestmark = pytest.mark.real
SEEDS = range(12)


def test_lost_answers_leave_no_duplicate_no_orphan_and_no_false_conflict(
    prefect: PrefectServer, prefix: str
) -> None:
    with proxy(prefect.url, Plan(seed=0, share=0)) as before:
        for seed in SEEDS:
            assert chains.run(before, prefect, prefix, seed).counts["requests"] > 0


def test_a_whole_up_and_destroy_through_faults(
    tmp_path: Path, pulumi_bin: Path, prefect: PrefectServer, prefix: str
) -> None:
    with proxy(prefect.url, Plan(seed=1, share=0)) as before:
        stack = Stack(tmp_path, before.url, pulumi_bin)
        kills.prepare(stack, prefix, 3)
        before.plan = Plan(seed=1, share=0.3)
        stack.up()
        assert kills.held(prefect, prefix) == kills.declared(prefix, 3, "v0")
        stack.destroy()
        before.drain()
        assert prefect.documents(prefix) == {}
        assert sum(before.plan.counts.values()) > before.plan.counts["requests"]


def test_killed_in_the_middle_and_recovered_as_documented(
    tmp_path: Path, pulumi_bin: Path, prefect: PrefectServer, prefix: str
) -> None:
    well = Plan(seed=0, share=0)
    slow = Plan(seed=0, share=1, faults=("slow answer",), slow=0.5)  # so that there is a middle
    with proxy(prefect.url, well) as before:
        stack = Stack(tmp_path, before.url, pulumi_bin)
        kills.prepare(stack, prefix, 2)
        before.plan = slow
        assert kills.kill(stack, lambda: bool(prefect.documents(prefix)), *kills.UP)
        before.plan = well
        before.drain()
        kills.recover(stack, *kills.UP)
        assert kills.held(prefect, prefix) == kills.declared(prefix, 2, "v0")
        before.plan = slow
        assert kills.kill(stack, lambda: len(prefect.documents(prefix)) < 6, *kills.DESTROY)
        before.plan = well
        before.drain()
        kills.recover(stack, *kills.DESTROY)
        assert prefect.documents(prefix) == {}
