"""Schedules that Prefect would refuse, or that never come, are refused at preview."""

from __future__ import annotations

import asyncio

import pytest
from prefect._internal.schemas.validators import validate_cron_string, validate_rrule_string
from prefect.server.schemas.schedules import CronSchedule

from providers.checks.cron import cron_problems, rrule_problems
from providers.kinds import schedules
from providers.values import UNKNOWN

GOOD = [
    "0 2 * * *",
    "@daily",
    "5 4 * * sun",
    "*/5 8-18 * * 1-5",
    "0 0 29 2 *",
    "0 0 L * *",
    "0 0 * * 5#2",
    "0 0 * * 7",
]
BAD = [
    "0 24 * * *",
    "60 2 * * *",
    "* * * *",
    "",
    "a b c d e",
    "*/0 * * * *",
    "@reboot",
    "@every 5m",
    "R R * * *",
    "h 0 * * *",
]
NEVER = ["0 0 30 2 *", "0 0 31 4,6 *", "0 0 31 2 *"]


def prefect_takes(cron: str) -> bool:
    try:
        validate_cron_string(cron)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("cron", [*GOOD, *BAD, *NEVER])
def test_as_prefect_itself(cron: str) -> None:
    problems = cron_problems("schedule", cron)
    assert prefect_takes(cron) == (cron not in BAD)
    assert bool(problems) == (cron not in GOOD)


def test_what_is_said() -> None:
    assert cron_problems("s", "0 24 * * *")[0].startswith(
        "s: '0 24 * * *' is no cron line, such as '0 2 * * *': "
    )
    assert cron_problems("s", "0 0 30 2 *") == ["s: '0 0 30 2 *' never comes: no day that there is fits it"]
    # The 30th, or a Monday of February; but never both.
    assert cron_problems("s", "0 0 30 2 1", day_or=False)
    assert cron_problems("s", UNKNOWN) == []


@pytest.mark.parametrize("rrule", ["FREQ=DAIL", "", "FREQ=DAILY;INTERVAL=x", "every day"])
def test_a_rule_that_is_none(rrule: str) -> None:
    with pytest.raises(ValueError, match=r"[Rr]ule|RRule|invalid|unsupported"):
        validate_rrule_string(rrule)
    assert "is no recurrence rule" in rrule_problems("s", rrule)[0]


@pytest.mark.parametrize(
    ("schedule", "problem"),
    [
        ({"crn": "0 2 * * *"}, "schedules.s.crn: a schedule has no such field; did you mean 'cron'?"),
        ({"cron": "0 2 * * *", "interval": 5}, "schedules.s: must have one of cron, interval, rrule"),
        ({"rrule": "FREQ=DAILY", "day_or": False}, "schedules.s.day_or: only goes with cron"),
        ({"interval": 5, "anchor_date": "yesterday"}, "schedules.s.anchor_date: 'yesterday' is no time"),
        ({"cron": "0 2 * * *", "timezone": "Paris"}, "schedules.s.timezone: 'Paris' is no time zone"),
    ],
)
def test_a_slip_in_a_schedule(schedule: dict[str, object], problem: str) -> None:
    assert any(found.startswith(problem) for found in schedules.problems({"s": schedule}))


@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Paris"])
def test_prefects_server_makes_runs_of_a_cron_schedule(zone: str | None) -> None:
    """It did not with whenever 0.10, before Python 3.13; its log alone said so."""
    assert len(asyncio.run(CronSchedule(cron="0 2 * * *", timezone=zone).get_dates(n=2))) == 2
