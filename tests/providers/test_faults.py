"""Lost answers and kills. `python -m benchmarks.provider_faults` runs many more of both."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.providers import chains, kills
from tests.providers.engine import Stack
from tests.providers.faults import Plan, proxy
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
    stack: Stack, prefect: PrefectServer, prefix: str
) -> None:
    kills.prepare(stack, prefix, 2)
    assert kills.run(stack, prefect, prefix, 2, seed=0, longest=6.0)["up killed"] == 1
