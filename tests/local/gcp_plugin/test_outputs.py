"""Inputs and outputs of both plugins for one program, property by property."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local.gcp_plugin.conftest import StackMaker
from tests.local.gcp_plugin.engine import Plugin
from tests.local.gcp_plugin.programs import ALL_KINDS, MANY_SETTINGS

pytestmark = pytest.mark.real

Resources = dict[str, dict[str, Any]]

BOOKKEEPING = {
    "__meta": "the official plugin's own timeouts",
    "__pulumi_raw_state_delta": "how the official plugin rebuilds Terraform's state",
}
MADE_ANEW = {
    "creationTime": "a time",
    "lastModifiedTime": "a time",
    "validAfter": "a time",
    "etag": "of another version",
    "uniqueId": "of another account",
    "privateKey": "of another key",
    "publicKey": "of another key",
}
NAMES_OF_A_KEY = {"id": "ends in the key's own id", "name": "as id"}


def test_same_state(local_plugin: Plugin, official_plugin: Plugin, make_stack: StackMaker) -> None:
    ours = _state(make_stack, local_plugin)
    theirs = _state(make_stack, official_plugin)
    assert ours.keys() == theirs.keys()
    for name, resource in theirs.items():
        for part in ("inputs", "outputs"):
            assert _differences(_comparable(ours[name], part), _comparable(resource, part)) == {}, name
        for part in ("additionalSecretOutputs", "propertyDependencies", "type"):
            assert (name, ours[name].get(part)) == (name, resource.get(part))


def _state(make_stack: StackMaker, plugin: Plugin) -> Resources:
    stack = make_stack(plugin)
    stack.up(ALL_KINDS + MANY_SETTINGS).ok()
    stack.refresh().ok()
    found = stack.resources()
    stack.destroy().ok()
    return found


def _differences(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    keys = sorted(ours.keys() | theirs.keys())
    pairs = {key: (ours.get(key, "nothing"), theirs.get(key, "nothing")) for key in keys}
    return {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}


def _comparable(resource: dict[str, Any], part: str) -> dict[str, Any]:
    found = {key: _same_empty(value) for key, value in resource[part].items() if key not in BOOKKEEPING}
    anew = MADE_ANEW | (NAMES_OF_A_KEY if resource["type"].endswith(":Key") else {})
    for key in anew.keys() & found.keys():
        # It differs, but is of the same kind in both.
        found[key] = _shape(found[key])
    return found


def _same_empty(value: Any) -> Any:
    """Two more differences that mean nothing.

    An empty map is null in the official plugin's state after `up`, and a map after `refresh`. Its items of a
    list say one by one that none of their fields is a default.
    """
    if isinstance(value, list):
        return [
            {k: v for k, v in item.items() if k != "__defaults"} if isinstance(item, dict) else item
            for item in value
        ]
    return None if value == {} else value


def _shape(value: Any) -> Any:
    if isinstance(value, dict):
        return sorted(value)
    return "" if value == "" else type(value).__name__
