"""dbt's behavior flags find the module that declares them as dbt finds it, without the whole stack."""

from __future__ import annotations

import inspect

import pytest
from dbt_common.behavior_flags import Behavior, BehaviorFlag

from flows.engine.internals.behavior import dbt_finds_flags_quickly

FLAG = BehaviorFlag(name="modern", default=False, docs_url="https://docs.getdbt.com")


def source() -> str:
    """The source of a flag that is declared here, as an adapter declares its own."""
    return str(Behavior([FLAG], {}).modern._behavior_change_event.flag_source)


def test_the_source_is_dbts_own_and_no_stack_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert source() == __name__

    def read() -> None:
        raise AssertionError("the whole stack is read")

    monkeypatch.setattr(inspect, "stack", read)
    with dbt_finds_flags_quickly():
        assert source() == __name__
    with pytest.raises(AssertionError, match="the whole stack"):
        source()
