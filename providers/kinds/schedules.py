"""A deployment's schedules: by name, in Prefect's words a slug.

Only schedules that the program declares, or declared until now, are ever touched. Those that people add in
Prefect's page are theirs. Where a deployment is taken over, its schedules become those that the program
declares: those of `prefect deploy` have no name, and each night would run twice.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from providers.checks.cron import cron_problems, rrule_problems
from providers.checks.inputs import time_zone_problems, unknown_fields
from providers.kinds.kind import MISSING, Properties
from providers.values import UNKNOWN, precise

if TYPE_CHECKING:
    from providers.api.http import Requests

TIMES = ("cron", "interval", "rrule")
# What the schedule itself says; the rest is the deployment's, of the runs that it makes.
WHEN = (*TIMES, "anchor_date", "timezone", "day_or")
# Where the program does not say them, Prefect's page may.
THEIRS = ("anchor_date", "day_or", "parameters", "max_scheduled_runs")
ONLY_WITH = {"anchor_date": "interval", "day_or": "cron"}
SCHEMA = {
    "type": "object",
    "additionalProperties": {
        "type": "object",
        "properties": {
            "cron": {"type": "string"},
            "day_or": {"type": "boolean"},
            "interval": {"type": "number", "exclusiveMinimum": 0},
            "anchor_date": {"type": "string"},
            "rrule": {"type": "string"},
            "timezone": {"type": "string"},
            "active": {"type": "boolean"},
            "parameters": {"type": "object"},
            "max_scheduled_runs": {"type": "integer", "minimum": 1},
        },
    },
}
FIELDS = tuple(SCHEMA["additionalProperties"]["properties"])  # type: ignore[index]
# Prefect writes it before a rule that does not say when it starts.
STARTED = re.compile(r"DTSTART:\d{8}T\d{6}\n")


def problems(schedules: Mapping[str, Any]) -> list[str]:
    """List what is wrong with each schedule."""
    found: list[str] = []
    for name, schedule in schedules.items():
        if schedule == UNKNOWN:
            continue
        path = f"schedules.{name}"
        found += unknown_fields(path, schedule, FIELDS, "a schedule")
        if len([key for key in TIMES if key in schedule]) != 1:
            found.append(f"{path}: must have one of {', '.join(TIMES)}")
        for key, other in ONLY_WITH.items():
            if key in schedule and other not in schedule:
                found.append(f"{path}.{key}: only goes with {other}")
        if "cron" in schedule:
            found += cron_problems(f"{path}.cron", schedule["cron"], day_or=schedule.get("day_or", True))
        if "rrule" in schedule:
            found += rrule_problems(f"{path}.rrule", schedule["rrule"])
        anchor = schedule.get("anchor_date", UNKNOWN)
        if anchor != UNKNOWN and _time(anchor) is None:
            found.append(f"{path}.anchor_date: {anchor!r} is no time, such as 2026-01-31T02:00:00Z")
        found += time_zone_problems(f"{path}.timezone", schedule.get("timezone"))
    return found


def bodies(schedules: Mapping[str, Any]) -> list[Properties]:
    """Return what creates the schedules."""
    return [_body(name, schedule) for name, schedule in schedules.items()]


def declared(there: list[Properties], schedules: Mapping[str, Any]) -> Properties:
    """Return those of Prefect's schedules that the program declares, by name, in its words."""
    return {one["slug"]: _told(one) for one in there if one.get("slug") in schedules}


def as_given(given: Mapping[str, Any], actual: Mapping[str, Any], *, managed: bool) -> Properties:
    """Return the actual schedules, each as given where it means the same."""
    return {
        name: given[name] if name in given and _same(given[name], found, managed=managed) else found
        for name, found in actual.items()
    }


def write(
    http: Requests, deployment_id: str, olds: Mapping[str, Any], news: Mapping[str, Any], *, managed: bool
) -> None:
    """Create, change and delete what differs; whether active, only if `managed` or changed in the program.

    What a schedule of the program leaves out stays as others set it. Safe to do again after it broke off.
    """
    path = f"/deployments/{deployment_id}/schedules"
    there = {one["slug"]: one for one in http.send("GET", path).json() if one.get("slug")}
    for name in olds.keys() - news.keys():
        if name in there:
            http.send("DELETE", f"{path}/{there[name]['id']}", accept=MISSING)
    for name, schedule in news.items():
        if name not in there:
            _create(http, path, name, schedule)
            continue
        old, found = olds.get(name) or {}, _told(there[name])
        write_state = managed or (name in olds and _active(old) != _active(schedule))
        # What the program no longer says goes; what it never said is other people's.
        theirs = {key: value for key, value in found.items() if key in THEIRS and key not in old}
        if not _same(schedule, found, managed=write_state) or set(old) - set(schedule) - {"active"}:
            whole = {**_kept(theirs, schedule), **schedule}
            if not write_state:
                whole["active"] = found["active"]
            if "max_scheduled_runs" in found and "max_scheduled_runs" not in whole:
                # Which Prefect can't be told to forget.
                http.send("DELETE", f"{path}/{there[name]['id']}", accept=MISSING)
                _create(http, path, name, whole)
                continue
            body = _body(name, whole)
            if not write_state:
                del body["active"]
            http.send("PATCH", f"{path}/{there[name]['id']}", json=body)


def to_take_over(http: Requests, deployment_id: str, schedules: Mapping[str, Any]) -> list[str]:
    """Say what `take_over` would do, and which schedules stay as they are."""
    there = http.send("GET", f"/deployments/{deployment_id}/schedules").json()
    pairs = _pairs(there, schedules)
    taken = {one["id"] for _, one in pairs}
    stay = [one for one in there if one["id"] not in taken and one.get("slug") not in schedules]
    return [
        *(f"its schedule {_said(one)} becomes {name!r}" for name, one in pairs),
        *(
            f"its schedule {_said(one)} stays, and makes runs beside the program's: declare it, or delete it "
            "in Prefect's page"
            for one in stay
            if one["active"]
        ),
    ]


def take_over(http: Requests, deployment_id: str, schedules: Mapping[str, Any]) -> None:
    """Give schedules of other people's the names that the program has for its own."""
    path = f"/deployments/{deployment_id}/schedules"
    for name, one in _pairs(http.send("GET", path).json(), schedules):
        http.send("PATCH", f"{path}/{one['id']}", json={"slug": name})


def _pairs(there: list[Properties], schedules: Mapping[str, Any]) -> list[tuple[str, Properties]]:
    """Return each declared schedule that is not there, with another that may become it: equal ones first."""
    # Those without a name first: they are of `prefect deploy`, or of people.
    others = sorted(
        (one for one in there if one.get("slug") not in schedules),
        key=lambda one: (one.get("slug") is not None, one["schedule"].get("cron") or "", one["id"]),
    )
    absent = {name: schedules[name] for name in schedules.keys() - {one.get("slug") for one in there}}
    pairs = []
    for equal in (True, False):
        for name in sorted(absent):
            found = next(
                (one for one in others if not equal or _same(absent[name], _told(one), managed=False)), None
            )
            if found is not None:
                others.remove(found)
                del absent[name]
                pairs.append((name, found))
    return pairs


def _said(one: Properties) -> str:
    when = one["schedule"]
    text = next(str(when[key]) for key in TIMES if when.get(key) is not None)
    name = f" ({one['slug']})" if one.get("slug") else ""
    return f"`{text}`{name}"


def _kept(theirs: Mapping[str, Any], schedule: Mapping[str, Any]) -> Properties:
    """Return what of other people's still goes with the kind of schedule that it now is."""
    return {key: value for key, value in theirs.items() if ONLY_WITH.get(key, key) in {key, *schedule}}


def _create(http: Requests, path: str, name: str, schedule: Mapping[str, Any]) -> None:
    def look() -> Any:
        response = http.send("GET", path)
        return response if name in {one.get("slug") for one in response.json()} else None

    http.send("POST", path, json=[_body(name, schedule)], look=look)


def _body(name: str, schedule: Mapping[str, Any]) -> Properties:
    # Without them, Prefect would set them to nothing.
    return {
        "slug": name,
        "schedule": {key: schedule[key] for key in WHEN if key in schedule},
        "active": _active(schedule),
        "parameters": schedule.get("parameters", {}),
        "max_scheduled_runs": schedule.get("max_scheduled_runs"),
    }


def _told(one: Properties) -> Properties:
    rest = {key: one.get(key) for key in ("parameters", "max_scheduled_runs") if one.get(key)}
    when = {key: value for key, value in one["schedule"].items() if value is not None}
    return {**when, **rest, "active": one["active"]}


def _same(given: Mapping[str, Any], found: Mapping[str, Any], *, managed: bool) -> bool:
    if managed and _active(given) != _active(found):
        return False
    return precise(_meant(given, given)) == precise(_meant(found, given))


def _meant(schedule: Mapping[str, Any], given: Mapping[str, Any]) -> Properties:
    """Return a schedule as Prefect writes it, without what the program leaves to others or to Prefect."""
    # Prefect fills in UTC and, for an interval, the day it was created.
    meant = {"timezone": "UTC", **{key: value for key, value in schedule.items() if value not in (None, "")}}
    for key in THEIRS:
        if key not in given:
            meant.pop(key, None)
    if "parameters" in given:
        meant.setdefault("parameters", {})
    if "anchor_date" in meant:
        meant["anchor_date"] = _time(meant["anchor_date"]) or meant["anchor_date"]
    if "rrule" in meant and "DTSTART" not in str(given.get("rrule", "")).upper():
        meant["rrule"] = STARTED.sub("", str(meant["rrule"]), count=1)
    meant.pop("active", None)
    return meant


def _time(text: Any) -> str | None:
    """Return a moment in UTC, None if the text is none; Prefect takes one without an offset as UTC."""
    try:
        moment = datetime.datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return (
        (moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC))
        .astimezone(datetime.UTC)
        .isoformat()
    )


def _active(schedule: Mapping[str, Any]) -> bool:
    return bool(schedule.get("active", True))
