"""One plugin continues from the state that the other one wrote."""

from __future__ import annotations

import pytest

from tests.local.gcp_plugin.conftest import StackMaker
from tests.local.gcp_plugin.engine import Plugin
from tests.local.gcp_plugin.platform import Google
from tests.local.gcp_plugin.programs import ALL_KINDS, EMAIL, MANY_SETTINGS

pytestmark = pytest.mark.real


@pytest.mark.parametrize("official_first", [False, True], ids=["local-then-official", "official-then-local"])
def test_takeover(
    official_first: bool,
    local_plugin: Plugin,
    official_plugin: Plugin,
    make_stack: StackMaker,
    google: Google,
) -> None:
    first, second = (official_plugin, local_plugin) if official_first else (local_plugin, official_plugin)
    stack = make_stack(first)
    stack.up(ALL_KINDS + MANY_SETTINGS).ok()
    secret = stack.resources()["key"]["outputs"]["privateKey"]
    stack.plugin = second
    stack.up(None, "--expect-no-changes").ok()
    stack.refresh("--expect-no-changes").ok()
    assert stack.resources()["key"]["outputs"]["privateKey"] == secret
    changed = stack.up((ALL_KINDS + MANY_SETTINGS).replace('"first"', '"second"')).ok().operations
    assert {name for name, ops in changed.items() if ops == ["update"]} == {"dataset", "account"}
    assert {tuple(ops) for ops in changed.values()} == {("update",), ("same",)}
    assert google.call("GET", google.dataset("contract"))["description"] == "second"
    stack.destroy().ok()
    assert not google.datasets() & {"contract", "contract_least", "contract_most"}
    assert EMAIL not in google.accounts()
