"""Find what is wrong with an object's inputs before anything is sent. Unknown values are never wrong."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Mapping
from typing import Any

from providers.checks.block_data import _schema_problems
from providers.values import UNKNOWN

# The rule of most of Prefect's names (prefect.types.names).
BANNED = re.compile(r"[/%&><]")
# One field of a cron line: a number, name, range or step, or several.
CRON_FIELD = re.compile(r"[0-9A-Za-z*?,/#LW-]+")
CRON_NAMES = {"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"}


def schema_problems(inputs: Mapping[str, Any], schema: Mapping[str, Any]) -> list[str]:
    """List what does not fit the kind's schema, each beginning with the input's path."""
    return [problem.removeprefix("data.") for problem in _schema_problems(inputs, schema)]


def name_problems(field: str, name: Any) -> list[str]:
    """List what is wrong with a name."""
    if name == UNKNOWN or (isinstance(name, str) and name.strip() and not BANNED.search(name)):
        return []
    return [f"{field}: {name!r} must be a name, without / % & > <"]


def cron_problems(field: str, cron: Any) -> list[str]:
    """List what is plainly wrong with a cron line; Prefect itself reads it in full."""
    if cron == UNKNOWN or cron in CRON_NAMES:
        return []
    parts = str(cron).split()
    if len(parts) in {5, 6} and all(CRON_FIELD.fullmatch(part) for part in parts):
        return []
    return [f"{field}: {cron!r} is no cron line of five fields, such as '0 2 * * *'"]


def time_zone_problems(field: str, zone: Any) -> list[str]:
    """List what is wrong with the name of a time zone."""
    if zone in {None, UNKNOWN} or zone in zoneinfo.available_timezones():
        return []
    return [f"{field}: {zone!r} is no time zone, such as Europe/Paris or UTC"]
