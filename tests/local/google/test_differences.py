"""Each difference from Google that docs/local.md tells holds, and it tells just these."""

from __future__ import annotations

import pytest

from local.paths import PROJECT
from tests.local.google.differences import DIFFERENCES, Difference, table
from tests.local.google.world import World


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda one: one.what)
def test_it_is_as_told(world: World, difference: Difference) -> None:
    assert difference.holds(world), f"{difference.what}: no longer {difference.here}; change the table"


def test_the_page_has_the_table() -> None:
    page = (PROJECT / "docs" / "local.md").read_text()
    assert table() in page, f"put this into docs/local.md:\n{table()}"
