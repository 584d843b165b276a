"""The figures that the marts are held against."""

from __future__ import annotations

import pytest

from demo import raw_data
from demo.tests import figures


def test_the_expected_figures_are_those_known_of_the_data_set() -> None:
    expected = figures.expected_figures(raw_data.fetch())
    assert expected["fct_flights.rows"] == 336_776
    assert expected["fct_flights.mean_departure_delay"] == pytest.approx(12.63907, abs=1e-5)
