"""A deployment's schedules: by name, in Prefect's words a slug.

Only schedules that the program declares, or declared until now, are ever touched. Those that people add in
Prefect's page are theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from providers.checks.inputs import cron_problems, time_zone_problems
from providers.kinds.kind import MISSING, Properties
from providers.values import UNKNOWN, canonical

if TYPE_CHECKING:
    from providers.api.http import Requests

TIMES = ("cron", "interval", "rrule")
SCHEMA = {
    "type": "object",
    "additionalProperties": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "cron": {"type": "string"},
            "interval": {"type": "number", "exclusiveMinimum": 0},
            "anchor_date": {"type": "string"},
            "rrule": {"type": "string"},
            "timezone": {"type": "string"},
            "active": {"type": "boolean"},
        },
    },
}


def problems(schedules: Mapping[str, Any]) -> list[str]:
    """List what is wrong with each schedule."""
    found = []
    for name, schedule in schedules.items():
        if schedule == UNKNOWN:
            continue
        path = f"schedules.{name}"
        if len([key for key in TIMES if key in schedule]) != 1:
            found.append(f"{path}: must have one of {', '.join(TIMES)}")
        if "cron" in schedule:
            found += cron_problems(f"{path}.cron", schedule["cron"])
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

    Safe to do again after it broke off.
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
        write_state = managed or (name in olds and _active(olds[name]) != _active(schedule))
        if not _same(schedule, _told(there[name]), managed=write_state):
            body = _body(name, schedule)
            if not write_state:
                del body["active"]
            http.send("PATCH", f"{path}/{there[name]['id']}", json=body)


def _create(http: Requests, path: str, name: str, schedule: Mapping[str, Any]) -> None:
    def look() -> Any:
        response = http.send("GET", path)
        return response if name in {one.get("slug") for one in response.json()} else None

    http.send("POST", path, json=[_body(name, schedule)], look=look)


def _body(name: str, schedule: Mapping[str, Any]) -> Properties:
    when = {key: value for key, value in schedule.items() if key != "active"}
    return {"slug": name, "schedule": when, "active": _active(schedule)}


def _told(one: Properties) -> Properties:
    when = {key: value for key, value in one["schedule"].items() if value is not None and key != "day_or"}
    return {**when, "active": one["active"]}


def _same(given: Mapping[str, Any], found: Mapping[str, Any], *, managed: bool) -> bool:
    if managed and _active(given) != _active(found):
        return False
    return canonical(_when(given, given)) == canonical(_when(found, given))


def _when(schedule: Mapping[str, Any], given: Mapping[str, Any]) -> Properties:
    # Prefect fills in UTC and, for an interval, the day it was created.
    when = {"timezone": "UTC", **schedule}
    dropped = {"active"} if "anchor_date" in given else {"active", "anchor_date"}
    return {key: value for key, value in when.items() if key not in dropped}


def _active(schedule: Mapping[str, Any]) -> bool:
    return bool(schedule.get("active", True))
