"""tabledata.insertAll says which rows a table does not take; time travel, what can't be read any more."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.local.google.world import DATASETS

if TYPE_CHECKING:
    from tests.local.google.world import World

pytestmark = pytest.mark.real


def insert(world: World, *rows: dict[str, Any], **options: bool) -> list[tuple[int, str, str, str]]:
    """Insert rows; give the index, reason, field and message of each that was not taken."""
    body = {"rows": [{"json": row} for row in rows]} | options
    answer = world.ok("POST", f"{DATASETS}/streamed/tables/t/insertAll", json=body)
    return [
        (one["index"], error["reason"], error["location"], error["message"])
        for one in answer.get("insertErrors", [])
        for error in one["errors"]
    ]


def test_rows_that_are_not_taken_are_named_with_the_reason(real_world: World) -> None:
    for sql in (
        "create schema streamed",
        "create table streamed.t (id int64 not null, s string(3), n numeric(5, 2), d date)",
    ):
        assert "error" not in real_world.query(sql).json()
    said = "Field s: STRING(3) has maximum length 3 but got a value with length 4"
    assert insert(real_world, {"id": 1, "s": "abc"}) == []
    assert insert(real_world, {"id": 2, "s": "abcd"}, {"id": 3}) == [
        (0, "invalid", "s", said),
        (1, "stopped", "", ""),
    ]
    assert insert(real_world, {"id": 2, "s": "abcd"}, {"id": 3}, skipInvalidRows=True) == [
        (0, "invalid", "s", said)
    ]
    for row, field, message in (
        ({"id": 4, "n": "1234.5"}, "n", "Value is out of range for field n"),
        ({"id": 4, "d": "2024-13-01"}, "d", "Cannot convert value to date (bad value): 2024-13-01"),
        ({"id": "x"}, "id", "Cannot convert value to integer (bad value): x"),
        ({"s": "a"}, "id", "Required field id cannot be null"),
        ({"id": 4, "z": 1}, "z", "no such field: z."),
    ):
        assert insert(real_world, row) == [(0, "invalid", field, message)]
    assert insert(real_world, {"id": 4, "z": 1}, ignoreUnknownValues=True) == []
    rows = real_world.query("select id from streamed.t order by id").json()["rows"]
    assert [row["f"][0]["v"] for row in rows] == ["1", "3", "4"]
    real_world.query("drop schema streamed cascade").raise_for_status()


def test_a_table_can_not_be_read_as_of_before_it_was_there(real_world: World) -> None:
    real_world.query("create schema travelled").raise_for_status()
    assert "error" not in real_world.query("create table travelled.t (x int64)").json()
    for moment in ("timestamp '2020-01-01'", "timestamp_sub(current_timestamp(), interval 1 hour)"):
        answer = real_world.query(f"select * from travelled.t for system_time as of {moment}")
        message = answer.json()["error"]["message"]
        table = r"demo-flights:travelled\.t@\d+"
        assert re.fullmatch(
            rf"Invalid snapshot time \d+ for table {table}\. Cannot read before \d+\.", message
        )
    now = real_world.query("select * from travelled.t for system_time as of current_timestamp()")
    assert "error" not in now.json()
    real_world.query("drop schema travelled cascade").raise_for_status()
