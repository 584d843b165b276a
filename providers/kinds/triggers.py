"""Triggers and actions of automations: their fields, what Prefect fills in, and when two mean the same.

Read in Prefect 3.9.1: prefect.server.events.schemas.automations and .actions, and in prefect.events what only
Prefect Cloud has; `tests/providers/test_triggers.py` holds the tables against those classes.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator, Mapping
from typing import Any

from providers.checks.inputs import nearest, unknown_fields
from providers.values import UNKNOWN, precise

# Of each type its fields, with what Prefect fills in; None for nothing.
MATCHES: dict[str, Any] = {"match": {}, "match_related": {}}
SEVERAL: dict[str, Any] = {"triggers": None, "within": None}
TRIGGERS: dict[str, dict[str, Any]] = {
    "event": {
        **MATCHES,
        "after": [],
        "expect": [],
        "for_each": [],
        "posture": None,
        "threshold": 1,
        "within": 0,
    },
    "compound": {**SEVERAL, "require": None},
    "sequence": SEVERAL,
    "metric": {**MATCHES, "posture": "Metric", "metric": None},
}
METRIC = {"name": None, "threshold": None, "operator": None, "range": 300, "firing_for": 300}
DEPLOYMENT = {"source": "selected", "deployment_id": None}
POOL = {"source": "selected", "work_pool_id": None}
QUEUE = {"source": "selected", "work_queue_id": None}
AUTOMATION = {"source": "selected", "automation_id": None}
ACTIONS: dict[str, dict[str, Any]] = {
    "do-nothing": {},
    "run-deployment": {**DEPLOYMENT, "parameters": None, "job_variables": None, "schedule_after": 0},
    "pause-deployment": DEPLOYMENT,
    "resume-deployment": DEPLOYMENT,
    "change-flow-run-state": {"name": None, "state": None, "message": None, "force": False},
    "cancel-flow-run": {},
    "delete-flow-run": {},
    "suspend-flow-run": {},
    "resume-flow-run": {},
    "call-webhook": {"block_document_id": None, "payload": ""},
    "send-notification": {
        "block_document_id": None,
        "subject": "Prefect automated notification",
        "body": None,
    },
    "pause-work-pool": POOL,
    "resume-work-pool": POOL,
    "pause-work-queue": QUEUE,
    "resume-work-queue": QUEUE,
    "pause-automation": AUTOMATION,
    "resume-automation": AUTOMATION,
    "declare-incident": {},
}
# How like a type's name another has to be to be a slip: less than `send-email-notification` in Prefect Cloud.
SLIP = 0.87
# Prefect keeps these as sets, and returns them in any order; and these as seconds.
SETS = ("after", "expect", "for_each")
DURATIONS = ("within", "schedule_after", "range", "firing_for")
PROACTIVE_SECONDS = 10.0  # what Prefect makes of a Proactive trigger's `within` of nothing
POSTURES = {"event": ("Reactive", "Proactive"), "metric": ("Metric",)}


def trigger_problems(path: str, trigger: Any) -> Iterator[str]:
    """List what is wrong with a trigger: its type, its fields, those inside it."""
    if not isinstance(trigger, Mapping):
        return
    kind = trigger.get("type", "event")
    yield from _type_problems(f"{path}.type", kind, TRIGGERS, "trigger")
    if kind not in TRIGGERS:
        return
    yield from unknown_fields(path, trigger, ("type", "id", *TRIGGERS[kind]), f"a trigger of type {kind!r}")
    postures, posture = POSTURES.get(kind, ()), trigger.get("posture", TRIGGERS[kind].get("posture"))
    if postures and posture not in {*postures, UNKNOWN}:
        yield f"{path}.posture: {posture!r} must be {' or '.join(postures)}"
    if isinstance(trigger.get("metric"), Mapping):
        yield from unknown_fields(f"{path}.metric", trigger["metric"], METRIC, "a metric")
    inner = trigger.get("triggers")
    if isinstance(inner, list):
        for index, one in enumerate(inner):
            yield from trigger_problems(f"{path}.triggers[{index}]", one)


def action_problems(path: str, actions: Any) -> Iterator[str]:
    """List what is wrong with actions: their types and fields."""
    for index, action in enumerate(actions if isinstance(actions, list) else ()):
        if not isinstance(action, Mapping):
            continue
        kind, place = action.get("type"), f"{path}[{index}]"
        yield from _type_problems(f"{place}.type", kind, ACTIONS, "action")
        if kind in ACTIONS:
            yield from unknown_fields(
                place, action, ("type", "id", *ACTIONS[kind]), f"an action of type {kind!r}"
            )


def same_trigger(given: Any, actual: Any) -> bool:
    """Tell whether two triggers mean the same to Prefect."""
    return precise(_trigger(given)) == precise(_trigger(_heard(given, actual, TRIGGERS)))


def same_actions(given: Any, actual: Any) -> bool:
    """Tell whether two lists of actions mean the same to Prefect."""
    theirs = _heard(given or [], actual or [], ACTIONS)
    return [precise(_action(one)) for one in given or []] == [precise(_action(one)) for one in theirs]


def _type_problems(path: str, kind: Any, known: Mapping[str, Any], what: str) -> Iterator[str]:
    # What is like none that is known here may be one that Prefect has learnt since: Prefect tells.
    if kind != UNKNOWN and kind not in known and (close := nearest(kind, known, likeness=SLIP)):
        yield f"{path}: {kind!r} is no type of {what}; did you mean {close!r}?"


def _trigger(trigger: Any) -> Any:
    if not isinstance(trigger, Mapping):
        return trigger
    kind = trigger.get("type", "event")
    full = _filled(trigger, TRIGGERS.get(kind, {}), kind)
    if kind == "event" and full.get("posture") == "Proactive" and not full["within"]:
        full["within"] = PROACTIVE_SECONDS
    if isinstance(full.get("metric"), Mapping):
        full["metric"] = _filled(full["metric"], METRIC, "metric")
    if isinstance(full.get("triggers"), list):
        full["triggers"] = [_trigger(one) for one in full["triggers"]]
    return full


def _heard(given: Any, actual: Any, known: Mapping[str, Any]) -> Any:
    """Return what is there without the fields that neither the program says nor these tables know.

    Prefect fills them in, and what with can't be told: Prefect Cloud makes a block for each
    `send-email-notification`, and is newer than any release.
    """
    if isinstance(given, list) and isinstance(actual, list) and len(given) == len(actual):
        return [_heard(one, other, known) for one, other in zip(given, actual, strict=True)]
    if not isinstance(given, Mapping) or not isinstance(actual, Mapping):
        return actual
    names = {"type", *given, *known.get(given.get("type", "event"), {})}
    heard = {name: value for name, value in actual.items() if name in names}
    if "triggers" in heard:
        heard["triggers"] = _heard(given.get("triggers"), heard["triggers"], known)
    if "metric" in heard:
        heard["metric"] = _heard(given.get("metric"), heard["metric"], {"event": METRIC})
    return heard


def _action(action: Any) -> Any:
    if not isinstance(action, Mapping):
        return action
    full = _filled(action, ACTIONS.get(str(action.get("type")), {}), action.get("type"))
    if "payload" in full:
        full["payload"] = _payload(full["payload"])
    return full


def _filled(given: Mapping[str, Any], defaults: Mapping[str, Any], kind: Any) -> dict[str, Any]:
    """Return all fields, those that Prefect fills in too; without the id that it adds, and without nulls."""
    full = {**defaults, **{name: value for name, value in given.items() if value is not None}, "type": kind}
    for name in SETS:
        if isinstance(full.get(name), list):
            full[name] = sorted(set(map(str, full[name])))
    for name in DURATIONS:
        if name in full:
            full[name] = _seconds(full[name])
    return {name: value for name, value in full.items() if name != "id" and value is not None}


def _seconds(duration: Any) -> Any:
    """Return a duration in seconds, read as Prefect reads it: a number, or a text such as PT5M."""
    if not isinstance(duration, str) or duration == UNKNOWN:
        return duration
    import pydantic  # noqa: PLC0415  only for a text, 0.3 s

    try:
        read = pydantic.TypeAdapter(datetime.timedelta).validate_python(duration)
    except pydantic.ValidationError:
        return duration
    return read.total_seconds()


def _payload(payload: Any) -> Any:
    """Return a webhook's payload as what it says: Prefect writes an object as indented text."""
    if not isinstance(payload, str):
        return payload
    try:
        return json.loads(payload)
    except ValueError:
        return payload
