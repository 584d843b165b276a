"""What dbt does in less time has the outcome that it has without."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from dbt.adapters.bigquery import BigQueryCredentials
from dbt.contracts.project import PackageConfig, ProfileConfig, Project, ProjectFlags
from dbt.plugins import manager
from dbt_common.behavior_flags import Behavior, BehaviorFlag
from dbt_common.clients import system
from mashumaro.jsonschema import build_json_schema, schema

from flows.engine.internals.thrift.quickly import dbt_works_quickly

FLAG = BehaviorFlag(name="modern", default=False, docs_url="https://docs.getdbt.com")


def source() -> str:
    """The source of a flag that is declared here, as an adapter declares its own."""
    return str(Behavior([FLAG], {}).modern._behavior_change_event.flag_source)


def test_the_source_is_dbts_own_and_no_stack_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert source() == __name__

    def read() -> None:
        raise AssertionError("the whole stack is read")

    monkeypatch.setattr(inspect, "stack", read)
    with dbt_works_quickly():
        assert source() == __name__
    with pytest.raises(AssertionError, match="the whole stack"):
        source()


def counted(calls: list[Any], function: Callable[..., Any]) -> Callable[..., Any]:
    def count(*args: Any) -> Any:
        calls.append(args)
        return function(*args)

    return count


@pytest.mark.parametrize(
    "settings", [Project, ProjectFlags, ProfileConfig, PackageConfig, BigQueryCredentials]
)
def test_schemas_are_the_same_and_few_classes_are_compiled(
    settings: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow: list[Any] = []
    monkeypatch.setattr(schema, "_default", counted(slow, schema._default))
    expected = build_json_schema(settings).to_dict()
    asked = len(slow)
    with dbt_works_quickly():
        assert build_json_schema(settings).to_dict() == expected
    assert len(slow) - asked < asked / 4 or not asked


def test_json_is_the_same_and_written_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = {
        "nodes": [{"é": 1.5, "none": None, "at": datetime(2026, 1, 31, tzinfo=UTC)}],
        "text": 'a "quoted" line\n',
    }
    system.write_json(str(tmp_path / "slow.json"), data)
    monkeypatch.setattr(json, "dump", None)
    with dbt_works_quickly():
        system.write_json(str(tmp_path / "quick.json"), data)
        assert system.read_json(str(tmp_path / "quick.json"))["text"] == data["text"]
    assert (tmp_path / "quick.json").read_bytes() == (tmp_path / "slow.json").read_bytes()


def test_plugins_are_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[Any] = []
    monkeypatch.setattr(manager, "_MODULES_CACHE", None)
    find = counted(looked, manager.PluginManager.get_prefixed_modules)
    monkeypatch.setattr(manager.PluginManager, "get_prefixed_modules", find)
    with dbt_works_quickly():
        plugins = [manager.PluginManager.from_modules("one"), manager.PluginManager.from_modules("two")]
    assert len(looked) == 1
    assert plugins[0].hooks.keys() == manager.PluginManager.from_modules("one").hooks.keys()
    assert len(looked) == 2
