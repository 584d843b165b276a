"""A query's parameters have the types that they are declared with, by name or by place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.local.google.world import PROJECT

if TYPE_CHECKING:
    from tests.local.google.world import World

pytestmark = pytest.mark.real
STRUCT = {
    "type": "STRUCT",
    "structTypes": [{"name": "a", "type": {"type": "INT64"}}, {"name": "b", "type": {"type": "STRING"}}],
}
ROW = {"structValues": {"a": {"value": "1"}, "b": {"value": "x"}}}


def plain(kind: str, value: str | None) -> dict[str, Any]:
    return {"parameterType": {"type": kind}, "parameterValue": {"value": value}}


def many(kind: dict[str, Any], *values: dict[str, Any]) -> dict[str, Any]:
    return {"parameterType": {"type": "ARRAY", "arrayType": kind}, "parameterValue": {"arrayValues": values}}


def asked(world: World, sql: str, given: list[dict[str, Any]]) -> Any:
    """Ask with parameters by name or place; give types and cells, or what is said."""
    mode = "NAMED" if "name" in given[0] else "POSITIONAL"
    body = {"query": sql, "useLegacySql": False, "parameterMode": mode, "queryParameters": given}
    answer = world.call("POST", f"/bigquery/v2/projects/{PROJECT}/queries", json=body).json()
    if "error" in answer:
        return answer["error"]["message"]
    fields = zip(answer["schema"]["fields"], answer["rows"][0]["f"], strict=True)
    return [(field["type"], cell["v"]) for field, cell in fields]


@pytest.mark.parametrize(
    ("sql", "given", "found"),
    [
        ("select cast(@x as int64)", plain("FLOAT64", "2.5"), [("INTEGER", "3")]),
        ("select @x, to_hex(@x)", plain("BYTES", "YWJj"), [("BYTES", "YWJj"), ("STRING", "616263")]),
        (
            "select @x, @x * 2",
            plain("NUMERIC", "1.23456789"),
            [("NUMERIC", "1.23456789"), ("NUMERIC", "2.46913578")],
        ),
        ("select @x, @x.a", plain("JSON", '{"a":1}'), [("JSON", '{"a":1}'), ("JSON", "1")]),
        ("select @x", plain("DATE", None), [("DATE", None)]),
        ("select @x", many({"type": "STRING"}), [("STRING", [])]),
        ("select b from unnest(@x) where a = 1", many(STRUCT, ROW), [("STRING", "x")]),
        ("select @x.b", {"parameterType": STRUCT, "parameterValue": ROW}, [("STRING", "x")]),
        ("select 'me@x.com', @x", plain("INT64", "4"), [("STRING", "me@x.com"), ("INTEGER", "4")]),
        (
            "select @x = 1",
            plain("STRING", "1"),
            "No matching signature for operator = for argument types: STRING, INT64",
        ),
    ],
)
def test_a_named_one_has_its_type(real_world: World, sql: str, given: dict[str, Any], found: Any) -> None:
    assert asked(real_world, sql, [given | {"name": "x"}]) == found


def test_each_place_has_its_own(real_world: World) -> None:
    given = [plain("INT64", "2"), plain("STRING", "x"), plain("FLOAT64", "2.5")]
    found = asked(real_world, "select ? * 1.5, ?, 'why?', round(?)", given)
    assert found == [("FLOAT", "3.0"), ("STRING", "x"), ("STRING", "why?"), ("FLOAT", "3.0")]
