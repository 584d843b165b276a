"""Which criteria match nothing is said of those alone that somebody has typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from flows.commands.options import Options
from flows.engine import selection
from flows.errors import DbtError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

ASKED = Options(select=("a", "b"))


def test_a_criterion_that_matches_nothing_is_named() -> None:
    def listed(unmatched: Callable[[str], None]) -> list[Any]:
        unmatched("b")
        return [{"unique_id": "model.p.a"}]

    with pytest.raises(UsageError, match="--select a b: nothing in the project matches 'b'"):
        selection.check(ASKED, listed)


def test_a_selection_of_which_nothing_is_left_is_said() -> None:
    with pytest.raises(UsageError, match="no model, seed, snapshot or test is left to run"):
        selection.check(ASKED, lambda _: [])


def test_what_dbt_does_not_understand_is_said() -> None:
    def listed(_: Callable[[str], None]) -> list[Any]:
        raise DbtError("dbt list stopped: 'x' is not a valid method name")

    with pytest.raises(UsageError, match="does not understand this: 'x' is not a valid"):
        selection.check(ASKED, listed)
