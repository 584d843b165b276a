"""Values that Pulumi itself would change travel as text, and arrive as they were."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.values import EXACT, pack, pack_properties, precise, unpack

BIG = 2**53 + 1
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def carried(value: Any) -> Any:
    """What Pulumi makes of a value: nulls of maps go, numbers are doubles."""
    if isinstance(value, dict):
        return {key: carried(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [carried(inner) for inner in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


@given(st.dictionaries(st.text(max_size=5), JSON, max_size=4))
def test_everything_arrives(value: dict[str, Any]) -> None:
    assert precise(unpack(carried(pack(value)))) == precise(value)


def test_only_what_has_to_is_packed() -> None:
    assert pack({"a": 1, "b": [True, "x", 0.5], "c": {}}) == {"a": 1, "b": [True, "x", 0.5], "c": {}}
    assert pack({"a": None, "b": [BIG]}) == {"a": {EXACT: "null"}, "b": [{EXACT: json.dumps(BIG)}]}
    assert pack(None) is None
    assert pack_properties({"gone": None, "there": {"x": None}}) == {
        "gone": None,
        "there": {"x": {EXACT: "null"}},
    }


@pytest.mark.parametrize(
    ("left", "right"), [({"a": None}, {}), ([None], []), (0, False), ("", None), (BIG, BIG - 1)]
)
def test_what_differs_differs(left: Any, right: Any) -> None:
    assert precise(left) != precise(right)


def test_a_whole_number_is_the_number_that_it_is() -> None:
    assert precise({"a": [4.0]}) == precise({"a": [4]})
