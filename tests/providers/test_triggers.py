"""The tables of triggers and actions against Prefect's own classes, and slips in them."""

from __future__ import annotations

import datetime
import enum
import re
from typing import Any, cast, get_args

import pytest
from prefect.events import actions as client_actions
from prefect.events.schemas import automations as client_triggers
from prefect.server.events import actions as server_actions
from prefect.server.events.schemas import automations as server_triggers
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from providers.kinds.automation import Automations
from providers.kinds.triggers import ACTIONS, METRIC, TRIGGERS, same_actions, same_trigger
from providers.values import UNKNOWN

CLASSES: dict[tuple[str, str], type[BaseModel]] = {
    (table, cast("type[BaseModel]", one).model_fields["type"].default): one
    for table, union in (
        ("trigger", client_triggers.TriggerTypes | client_triggers.MetricTrigger),
        ("action", client_actions.ActionTypes),
        ("trigger", server_triggers.ServerTriggerTypes),
        ("action", server_actions.ServerActionTypes),
    )
    for one in get_args(union)
    if isinstance(one, type)
}
TABLES = {"trigger": TRIGGERS, "action": ACTIONS}


def filled_in(model: type[BaseModel]) -> dict[str, Any]:
    """The fields of one of Prefect's classes, with what it fills in, as JSON has it."""
    found = {}
    for name, field in model.model_fields.items():
        if name in {"type", "id"}:
            continue
        value = field.get_default(call_default_factory=True)
        if isinstance(value, datetime.timedelta):
            value = value.total_seconds()
        if isinstance(value, BaseModel):
            value = value.model_dump(mode="json")
        if isinstance(value, set):
            value = sorted(value)
        if isinstance(value, enum.Enum):
            value = value.value
        found[name] = None if value is PydanticUndefined else value
    return found


def test_no_type_is_missing() -> None:
    assert {kind for table, kind in CLASSES if table == "trigger"} == TRIGGERS.keys()
    assert {kind for table, kind in CLASSES if table == "action"} == ACTIONS.keys()


@pytest.mark.parametrize(("table", "kind"), CLASSES, ids=str)
def test_the_fields_are_prefect_s(table: str, kind: str) -> None:
    assert TABLES[table][kind] == filled_in(CLASSES[table, kind])


def test_the_fields_of_a_metric_are_prefect_s() -> None:
    assert filled_in(client_triggers.MetricTriggerQuery) == METRIC


def problems(**inputs: Any) -> list[str]:
    given = {"name": "a", "trigger": {"posture": "Reactive"}, "actions": [], **inputs}
    return Automations().problems({**Automations().defaults, **given})


@pytest.mark.parametrize(
    ("inputs", "problem"),
    [
        ({"trigger": {"posture": "Reactive", "expects": ["a"]}}, "trigger.expects: .* did you mean 'expect'"),
        ({"trigger": {"posture": "Reactiv"}}, "trigger.posture: 'Reactiv' must be Reactive or Proactive"),
        ({"trigger": {}}, "trigger.posture: None must be Reactive or Proactive"),
        ({"trigger": {"type": "evnt"}}, "trigger.type: 'evnt' is no type of trigger; did you mean 'event'"),
        (
            {"trigger": {"type": "compound", "triggers": [{"posture": "Reactive", "withn": 1}]}},
            r"trigger.triggers\[0\].withn: .* did you mean 'within'",
        ),
        (
            {"trigger": {"type": "metric", "metric": {"nme": "x"}}},
            "trigger.metric.nme: .* did you mean 'name'",
        ),
        (
            {"actions": [{"type": "run-deployment", "deployment": "x"}]},
            r"actions\[0\].deployment: an action of type 'run-deployment' .* did you mean 'deployment_id'",
        ),
        ({"actions": [{"type": "run-deploymnt"}]}, r"actions\[0\].type: .* did you mean 'run-deployment'"),
        ({"actions_on_resolve": [{"type": "do-nothing", "x": 1}]}, r"actions_on_resolve\[0\].x: "),
        ({"name": "  "}, "name: '  ' must be a name"),
    ],
)
def test_a_slip_is_named_with_the_nearest_right_one(inputs: dict[str, Any], problem: str) -> None:
    found = problems(**inputs)
    assert len(found) == 1
    assert re.match(problem, found[0]), found


@pytest.mark.parametrize(
    "inputs",
    [
        {"name": "a/b & 100%"},
        {"trigger": UNKNOWN},
        {"trigger": {"posture": UNKNOWN, "within": UNKNOWN}},
        {"actions": [UNKNOWN, {"type": UNKNOWN, "x": 1}]},
        {"actions": [{"type": "what-prefect-learns-next-year", "x": 1}]},
        {"actions": [{"type": "send-email-notification", "emails": ["a@example.com"]}]},
    ],
)
def test_what_is_unknown_or_new_is_let_through(inputs: dict[str, Any]) -> None:
    assert problems(**inputs) == []


def test_what_prefect_adds_to_a_new_action_is_no_change_and_what_others_do_is() -> None:
    given = {"type": "send-email-notification", "emails": ["a@example.com"], "subject": "s"}
    there = {**given, "block_document_id": "made-by-prefect-cloud", "body": ""}
    assert same_actions([given], [there])
    assert not same_actions([given], [{**there, "emails": []}])
    assert not same_actions([given], [{"type": "pause-schedule-for-flow-run", "emails": given["emails"]}])
    assert not same_actions([given], [there, there])
    assert not same_actions([{"type": "send-notification"}], [{"type": "send-notification", "body": "b"}])


def test_a_field_that_a_newer_prefect_fills_in_is_no_change() -> None:
    inner = {"posture": "Reactive", "expect": ["a"]}
    for given, there in (
        ({"type": "compound", "require": 1}, {"type": "compound", "require": 1, "new": 0}),
        ({"type": "new", "x": 1}, {"type": "new", "x": 1, "y": 2}),
    ):
        assert same_trigger({**given, "triggers": [inner]}, {**there, "triggers": [{**inner, "new": [0]}]})
        assert not same_trigger({**given, "triggers": [inner]}, {**there, "triggers": [inner, inner]})
        assert not same_trigger(
            {**given, "triggers": [inner]}, {**there, "triggers": [{**inner, "after": ["b"]}]}
        )
    metric: dict[str, Any] = {"type": "metric", "metric": {"name": "lateness", "threshold": 1}}
    assert same_trigger(metric, {**metric, "metric": {**metric["metric"], "range": 300, "new": 1}})
    assert not same_trigger(metric, {**metric, "metric": {**metric["metric"], "range": 30}})
    assert same_actions([{"type": "do-nothing"}], [{"type": "do-nothing", "new": "default"}])
    assert not same_actions([{"type": "do-nothing"}], [{"type": "cancel-flow-run"}])


def test_what_differs_differs() -> None:
    reactive = {"posture": "Reactive"}
    assert not same_trigger(reactive, {"posture": "Proactive"})
    assert not same_trigger({**reactive, "within": "PT5M"}, {**reactive, "within": 301.0})
    assert not same_trigger({**reactive, "within": "soon"}, {**reactive, "within": 300.0})
    assert not same_actions([{"type": "do-nothing"}], [])
    payload = {"type": "call-webhook", "payload": {"a": 1}}
    assert same_actions([payload], [{"type": "call-webhook", "payload": '{\n  "a": 1\n}'}])
    assert not same_actions([payload], [{"type": "call-webhook", "payload": '{\n  "a": true\n}'}])
