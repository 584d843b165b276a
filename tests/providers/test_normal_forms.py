"""What Prefect makes of what it gets is no drift, and what others make of it is; before a real server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from providers.api.http import Requests
from providers.api.server import Server
from providers.kinds import schedules
from providers.kinds.automation import Automations
from providers.kinds.deployment import Deployments
from providers.kinds.kind import Found, Kind, Properties
from providers.kinds.variable import Variables
from tests.providers.prefect_server import PrefectServer

pytestmark = pytest.mark.real
BIG = 2**53 + 1
ID = "11111111-1111-4111-8111-111111111111"


@pytest.fixture(scope="module")
def http(prefect: PrefectServer) -> Iterator[Requests]:
    requests = Requests(Server(prefect.url))
    yield requests
    requests.close()


def full(kind: Kind, inputs: Properties) -> Properties:
    """The inputs as the lifecycle hands them to a kind."""
    whole = {**kind.defaults, **inputs}
    assert kind.problems(whole) == []
    return whole


def created(kind: Kind, http: Requests, inputs: Properties) -> Found:
    """An object that Prefect has, as the program knows it."""
    found = kind.create(http, inputs)
    assert found is not None
    assert kind.as_given(inputs, found.properties) == inputs
    return found


def seen(kind: Kind, http: Requests, object_id: str, inputs: Properties) -> Properties:
    """What has drifted, and to what."""
    found = kind.read(http, object_id, inputs)
    assert found is not None
    settled = kind.as_given(inputs, found.properties)
    return {name: value for name, value in settled.items() if inputs.get(name) != value}


def deployment(prefix: str, **inputs: Any) -> Properties:
    named = {"name": "d", "flow_name": f"{prefix}flow", "entrypoint": "flow.py:flow"}
    return full(Deployments(), named | inputs)


SCHEDULES: dict[str, dict[str, Any]] = {
    "a rule without a start": {"rrule": "FREQ=DAILY"},
    "a rule of every few minutes": {"rrule": "FREQ=MINUTELY;INTERVAL=5", "timezone": "Europe/Paris"},
    "a rule with a start": {"rrule": "DTSTART:20240101T020000\nRRULE:FREQ=DAILY"},
    "an anchor with an offset": {"interval": 3600, "anchor_date": "2026-01-01T02:00:00+02:00"},
    "an anchor in UTC": {"interval": 0.5, "anchor_date": "2026-01-01T00:00:00+00:00"},
    "an anchor that is a date": {"interval": 3600, "anchor_date": "2026-01-01", "timezone": "Europe/Paris"},
    "no anchor": {"interval": 86_400.0},
    "cron": {"cron": "0 2 * * 1", "day_or": False, "max_scheduled_runs": 3},
    "parameters": {"cron": "@daily", "parameters": {"x": None, "id": 1}, "active": False},
}


def test_schedules(http: Requests, prefix: str) -> None:
    inputs = deployment(prefix, schedules=SCHEDULES)
    found = created(Deployments(), http, inputs)
    assert seen(Deployments(), http, found.id, inputs) == {}


def test_what_others_set_on_a_schedule_outlives_a_change_of_the_program(http: Requests, prefix: str) -> None:
    kind = Deployments()
    mine: dict[str, Any] = {"mine": {"cron": "0 2 * * 1"}, "each": {"interval": 60}}
    inputs = deployment(prefix, schedules=mine, concurrency_limit=1, collision_strategy="ENQUEUE")
    found = created(kind, http, inputs)
    path = f"/deployments/{found.id}"
    there = {one["slug"]: one for one in http.send("GET", f"{path}/schedules").json()}
    theirs = {"parameters": {"x": 1}, "max_scheduled_runs": 5, "schedule": {**mine["mine"], "day_or": False}}
    http.send("PATCH", f"{path}/schedules/{there['mine']['id']}", json=theirs)
    options = {"collision_strategy": "ENQUEUE", "grace_period_seconds": 90}
    http.send("PATCH", path, json={"concurrency_options": options})
    assert seen(kind, http, found.id, inputs) == {}
    news = inputs | {
        "schedules": {"mine": {"cron": "0 3 * * 1"}, "each": {"interval": 60, "active": False}},
        "description": "changed",
    }
    kind.update(http, found.id, inputs, news)
    after = http.send("GET", path).json()
    assert after["concurrency_options"] == options
    mine_after = next(one for one in after["schedules"] if one["slug"] == "mine")
    assert (mine_after["schedule"]["cron"], mine_after["schedule"]["day_or"]) == ("0 3 * * 1", False)
    assert (mine_after["parameters"], mine_after["max_scheduled_runs"]) == ({"x": 1}, 5)
    # What the program says is the program's, and what it no longer says goes.
    said = news | {
        "schedules": {
            "mine": {
                **news["schedules"]["mine"],
                "day_or": True,
                "parameters": {"y": 0},
                "max_scheduled_runs": 2,
            }
        }
    }
    kind.update(http, found.id, news, said)
    assert seen(kind, http, found.id, said) == {}
    # And what people have paused stays so.
    http.send("PATCH", f"{path}/schedules/{there['mine']['id']}", json={"active": False})
    kind.update(http, found.id, said, news)
    left = {one["slug"]: one for one in http.send("GET", f"{path}/schedules").json()}
    assert (left["mine"]["parameters"], left["mine"]["max_scheduled_runs"]) == ({}, None)
    assert left["mine"]["active"] is False
    assert schedules.declared([*left.values()], news["schedules"])["each"]["active"] is False


def limit_of(http: Requests, limit: Properties) -> int | None:
    """How many slots a global concurrency limit has; None where it is gone."""
    response = http.send("GET", f"/v2/concurrency_limits/{limit['id']}", accept=frozenset({404}))
    return None if response.status_code == 404 else int(response.json()["limit"])


def test_a_limit_of_others_outlives_all_that_happens_to_a_deployment(http: Requests, prefix: str) -> None:
    kind = Deployments()
    theirs = http.send("POST", "/v2/concurrency_limits/", json={"name": f"{prefix}l", "limit": 5}).json()
    under = deployment(prefix, global_concurrency_limit_id=theirs["id"])
    alone, limited = deployment(prefix), deployment(prefix, concurrency_limit=2)
    found = created(kind, http, under)
    olds = under
    for news in (under | {"description": "x"}, limited, under, alone, under, limited, alone):
        kind.update(http, found.id, olds, news)
        assert seen(kind, http, found.id, news) == {}
        olds = news
    # People put it under theirs, of which the program says nothing.
    http.send("PATCH", f"/deployments/{found.id}", json={"global_concurrency_limit_id": theirs["id"]})
    assert seen(kind, http, found.id, alone) == {}
    kind.update(http, found.id, alone, alone | {"description": "y"})
    there = http.send("GET", f"/deployments/{found.id}").json()
    assert there["global_concurrency_limit"]["id"] == theirs["id"]
    kind.delete(http, found.id, alone)
    assert kind.read(http, found.id, alone) is None
    assert limit_of(http, theirs) == 5


@pytest.mark.parametrize("schema", [{}, {"type": "object"}, {"type": "object", "properties": {}}])
def test_a_schema_of_no_parameters(http: Requests, prefix: str, schema: Properties) -> None:
    created(Deployments(), http, deployment(prefix, parameter_openapi_schema=schema))


def test_parameters_arrive_as_they_are(http: Requests, prefix: str) -> None:
    given = {"none": None, "big": BIG, "deep": {"x": None, "y": [None, BIG]}, "empty": {}, "no": False}
    inputs = deployment(
        prefix,
        parameters=given,
        job_variables={"env": {"X": None}},
        enforce_parameter_schema=False,
        pull_steps=[{"prefect.deployments.steps.set_working_directory": {"directory": None}}],
    )
    found = created(Deployments(), http, inputs)
    assert http.send("GET", f"/deployments/{found.id}").json()["parameters"] == given
    for name, value in (("parameters", {**given, "none": 0}), ("job_variables", {"env": {}})):
        http.send("PATCH", f"/deployments/{found.id}", json={name: value})
        assert list(seen(Deployments(), http, found.id, inputs)) == [name]
        http.send("PATCH", f"/deployments/{found.id}", json={name: inputs[name]})


@pytest.mark.parametrize("value", [{"a": None, "b": [None]}, BIG, None, "", 0, False, [], {}])
def test_variables_arrive_as_they_are(http: Requests, prefix: str, value: Any) -> None:
    inputs = full(Variables(), {"name": f"{prefix}v", "value": value})
    found = created(Variables(), http, inputs)
    assert http.send("GET", f"/variables/{found.id}").json()["value"] == value
    http.send("PATCH", f"/variables/{found.id}", json={"value": {"a": 1}})
    assert list(seen(Variables(), http, found.id, inputs)) == ["value"]


# Nothing ever happens to them, and nothing sets them off.
NEVER = {"match": {"prefect.resource.id": "never.happens"}}
TRIGGERS: list[Properties] = [
    {"posture": "Reactive", "expect": ["b", "a", "a"], **NEVER},
    {"type": "event", "posture": "Proactive", "after": ["a"], "for_each": ["x"], **NEVER},
    {"posture": "Proactive", "within": "PT5M", "threshold": 2, "match_related": [{"a": ["b"]}], **NEVER},
    {"type": "compound", "require": "any", "triggers": [{"posture": "Reactive", **NEVER}], "within": "PT1H"},
    {"type": "compound", "require": 1, "triggers": [{"posture": "Reactive", **NEVER}], "within": None},
    {"type": "sequence", "triggers": [{"posture": "Proactive", **NEVER}], "within": 60},
]
ACTIONS: list[Properties] = [
    {"type": "do-nothing"},
    {"type": "run-deployment", "deployment_id": ID, "schedule_after": "PT5M"},
    {"type": "run-deployment", "deployment_id": ID, "parameters": {"id": 1, "a": None, "b": False, "n": BIG}},
    {"type": "call-webhook", "block_document_id": ID, "payload": {"text": "é", "list": [1, {}]}},
    {"type": "call-webhook", "block_document_id": ID, "payload": "{{ flow_run.name }}"},
    {"type": "send-notification", "block_document_id": ID, "body": "b"},
    {"type": "change-flow-run-state", "state": "CRASHED", "name": None},
    {"type": "pause-work-pool", "source": "inferred"},
]


@pytest.mark.parametrize("trigger", TRIGGERS, ids=str)
def test_triggers(http: Requests, prefix: str, trigger: Properties) -> None:
    inputs = full(Automations(), {"name": f"{prefix}a/b & 100%", "trigger": trigger, "actions": ACTIONS[:1]})
    found = created(Automations(), http, inputs)
    assert seen(Automations(), http, found.id, inputs) == {}


def test_actions_and_what_others_make_of_them(http: Requests, prefix: str) -> None:
    inputs = full(Automations(), {"name": f"{prefix}a", "trigger": TRIGGERS[0], "actions": ACTIONS})
    found = created(Automations(), http, inputs)
    assert seen(Automations(), http, found.id, inputs) == {}
    there = http.send("GET", f"/automations/{found.id}").json()
    body = {name: value for name, value in there.items() if name not in {"id", "created", "updated"}}
    given = ACTIONS[2]["parameters"]
    without = {name: value for name, value in given.items() if name != "b"}
    for parameters in ({**given, "id": 2}, {**given, "a": 0}, {**given, "b": None}, without, {}, None):
        actions = [dict(one) for one in there["actions"]]
        actions[2]["parameters"] = parameters
        http.send("PUT", f"/automations/{found.id}", json={**body, "actions": actions})
        assert list(seen(Automations(), http, found.id, inputs)) == ["actions"]


def test_a_deployment_of_which_little_is_said(http: Requests, prefix: str) -> None:
    inputs = full(Deployments(), {"name": "bare", "flow_name": f"{prefix}flow"})
    created(Deployments(), http, inputs)
