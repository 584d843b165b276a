"""What BigQuery documents expressions to be, asked of the local one: expressions.txt in a few queries."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.local.google.world import World

pytestmark = pytest.mark.real
LINES = Path(__file__).with_name("expressions.txt").read_text().splitlines()
WANTED = [line.rpartition(" => ")[::2] for line in LINES if " => " in line and not line.startswith("#")]
AT_ONCE = 60


def test_expressions_are_what_bigquery_documents(real_world: World) -> None:
    different = []
    for start in range(0, len(WANTED), AT_ONCE):
        asked = WANTED[start : start + AT_ONCE]
        columns = ", ".join(f"{expression} as c{number}" for number, (expression, _) in enumerate(asked))
        answer = real_world.query(f"select {columns}").json()
        assert "error" not in answer, answer["error"]["message"]
        for (expression, wanted), field, cell in zip(
            asked, answer["schema"]["fields"], answer["rows"][0]["f"], strict=True
        ):
            found = f"{field['type']} {shown(field['type'], cell['v'])}"
            if found != wanted:
                different.append(f"{expression} is {found}, not {wanted}")
    assert not different, "\n".join(different)


@pytest.mark.parametrize(
    "expression", ["net.reg_domain('a.com')", "net.public_suffix('a.com')", "instr('banana', 'an', -1)"]
)
def test_what_it_can_not_do_is_said(real_world: World, expression: str) -> None:
    answer = real_world.query(f"select {expression}")
    assert "the local BigQuery can't do" in answer.json()["error"]["message"]


def shown(kind: str, value: Any) -> str:
    """Write a cell of BigQuery's JSON down."""
    if value is None:
        return "NULL"
    if kind == "TIMESTAMP":
        number = float(value)
        seconds = number / 1e6 if number > 1e12 else number
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}"
    if kind == "NUMERIC" and "." in value:
        return str(value).rstrip("0").rstrip(".")
    return str(value)
