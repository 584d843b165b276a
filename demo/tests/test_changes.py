"""What a run makes of raw data that has changed since the last one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from demo.tests.conftest import Warehouse

pytestmark = pytest.mark.real

COPY = """
insert into {raw}.flights
select * replace ({changes}, timestamp_add(_loaded_at, interval 1 day) as _loaded_at)
from {raw}.flights where flight = 1545 and day = 1
"""
FLIGHT = "flight_number = 1545 and origin_code = 'EWR'"


@pytest.fixture(scope="module")
def changed(small: Warehouse) -> Warehouse:
    """The second run, after a new day, a late correction of an old day, and a flight that was withdrawn."""
    small.query(COPY.replace("{changes}", "12 as month, 31 as day"))
    small.query(
        "update {raw}.flights set dep_delay = 99, _loaded_at = timestamp_add(_loaded_at, interval 1 day)"
        " where flight = 1714 and day = 1"
    )
    small.query("delete from {raw}.flights where flight = 1141 and day = 1")
    small.query("update {raw}.airlines set name = 'United' where carrier = 'UA'")
    done = small.dbt("run", "--select", "fct_flights")
    assert done.code == 0, done.out
    return small


def test_a_new_day_is_added(changed: Warehouse) -> None:
    days = changed.query(f"select cast(flight_date as string) from {{marts}}.fct_flights where {FLIGHT}")
    assert sorted(days) == [("2013-01-01",), ("2013-12-31",)]


def test_a_late_correction_of_an_old_day_is_taken(changed: Warehouse) -> None:
    columns = "departure_delay_minutes, is_late_departure"
    sql = f"select {columns} from {{marts}}.fct_flights where flight_number = 1714"
    assert changed.query(sql) == [(99, True)]


def test_a_withdrawn_flight_is_gone(changed: Warehouse) -> None:
    assert changed.query("select count(*) from {marts}.fct_flights where flight_number = 1141") == [(0,)]
    assert changed.query("select count(*) from {marts}.fct_flights") == [(500,)]


def test_days_that_the_raw_data_no_longer_has_are_kept(changed: Warehouse) -> None:
    later = COPY.replace("interval 1 day", "interval 2 day").replace("flight = 1545", "flight = 1696")
    changed.query(later.replace("{changes}", "2 as day"))
    changed.query("delete from {raw}.flights where month = 12 or day = 1")
    assert changed.dbt("run", "--select", "fct_flights+").code == 0
    assert changed.query("select count(*) from {marts}.fct_flights") == [(501,)]
    # Every later run tests that history, too.
    done = changed.dbt("test", "--select", "fct_flights,test_type:data", "assert_marts_count_every_flight")
    assert done.code == 0, done.out


def test_another_threshold_counts_in_all_rows(changed: Warehouse) -> None:
    late = "select countif(is_late_departure) from {marts}.fct_flights"
    expected = "select countif(departure_delay_minutes >= 20) from {marts}.fct_flights"
    twenty = ("--vars", "{late_after_minutes: 20}")
    before = changed.query(late)
    assert changed.dbt("run", "--select", "fct_flights", *twenty, target="twenty").code == 0
    assert changed.query(late) == changed.query(expected) != before
    assert changed.dbt("run", "--select", "fct_flights").code == 0
    assert changed.query(late) == before


def test_a_new_name_of_an_airline_ends_the_old_one_in_the_snapshot(changed: Warehouse) -> None:
    assert changed.dbt("snapshot").code == 0
    sql = "select carrier_name, dbt_valid_to is null from {marts}.carriers_snapshot where carrier_code = 'UA'"
    assert sorted(changed.query(sql)) == [("United", True), ("United Air Lines Inc.", False)]


def test_bad_rows_make_the_tests_fail(changed: Warehouse) -> None:
    copy = COPY.replace("flight = 1545 and day = 1", "flight = 1696")
    changed.query(copy.replace("{changes}", "'XXX' as origin"))
    changed.query(copy.replace("{changes}", "flight as flight"))
    done = changed.dbt("test", "--select", "stg_flights,test_type:data")
    assert done.code == 1
    failed = {name.split(".")[2] for name, status in done.results.items() if status == "fail"}
    assert failed >= {
        "accepted_values_stg_flights_origin_code__EWR__JFK__LGA",
        "unique_combination_of_stg_flights_flight_date__carrier_code__flight_number__origin_code",
        "assert_marts_count_every_flight",
    }
