"""Webhooks and service level agreements, which only Prefect Cloud has: before a stand-in for it."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from providers.api.errors import NameTakenError, RejectedError
from providers.api.http import Requests
from providers.api.server import Server
from providers.engine.lifecycle import Lifecycle
from providers.kinds.deployment_slas import DeploymentSlas
from providers.kinds.kind import Kind
from providers.kinds.webhook import Webhooks

CLOUD = "https://api.prefect.cloud/api/accounts/a/workspaces/w"
WEBHOOK = {"name": "loads", "template": '{"event": "{{ body.event }}"}', "owner": "p/s#1"}


class Workspace:
    """The paths of one workspace that these kinds use, as Prefect's own client and its peers use them."""

    def __init__(self) -> None:
        self.webhooks: dict[str, dict[str, Any]] = {}
        self.deployments = {"d1"}
        self.slas: dict[str, Any] = {}
        self.lose_answers = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.partition("/workspaces/w")[2]
        body = json.loads(request.content or b"null")
        answer = self._answer(request.method, path, body)
        if request.method == "POST" and self.lose_answers and not path.endswith("/filter"):
            self.lose_answers -= 1
            raise httpx.ReadError("lost")
        return answer

    def _answer(self, method: str, path: str, body: Any) -> httpx.Response:
        if path == "/webhooks/filter":
            names = body["webhooks"]["name"]["any_"]
            return httpx.Response(200, json=[one for one in self.webhooks.values() if one["name"] in names])
        if path == "/webhooks/" and method == "POST":
            made = {**body, "id": str(uuid.uuid4()), "slug": uuid.uuid4().hex}
            self.webhooks[made["id"]] = made
            return httpx.Response(201, json=made)
        if found := re.fullmatch(r"/webhooks/([^/]+)", path):
            return self._webhook(method, found[1], body)
        if found := re.fullmatch(r"/slas/apply-resource-slas/prefect\.deployment\.(\w+)", path):
            self.slas[found[1]] = body
            return httpx.Response(200, json={"created": [], "updated": [], "deleted": []})
        if found := re.fullmatch(r"/deployments/(\w+)", path):
            return httpx.Response(200 if found[1] in self.deployments else 404, json={"id": found[1]})
        return httpx.Response(200, json=[])

    def _webhook(self, method: str, webhook_id: str, body: Any) -> httpx.Response:
        if webhook_id not in self.webhooks:
            return httpx.Response(404, json={"detail": "Webhook not found"})
        if method == "DELETE":
            del self.webhooks[webhook_id]
            return httpx.Response(204)
        if method == "PUT":
            self.webhooks[webhook_id] |= body
        return httpx.Response(200, json=self.webhooks[webhook_id])

    @property
    def only_webhook(self) -> dict[str, Any]:
        (one,) = self.webhooks.values()
        return one


@pytest.fixture
def workspace() -> Workspace:
    return Workspace()


@pytest.fixture
def http(workspace: Workspace) -> Iterator[Requests]:
    requests = Requests(
        Server(CLOUD), transport=httpx.MockTransport(workspace), sleep=lambda _: None, clock=lambda: 0.0
    )
    yield requests
    requests.close()


def checked(
    lifecycle: Lifecycle, given: dict[str, Any], olds: dict[str, Any] | None = None
) -> dict[str, Any]:
    found = lifecycle.check(olds or {}, given)
    assert found.problems == []
    return found.inputs


def test_a_webhook(workspace: Workspace, http: Requests) -> None:
    webhooks = Lifecycle(Webhooks(), lambda: http)
    made, outputs = webhooks.create(checked(webhooks, WEBHOOK))
    there = workspace.only_webhook
    assert (there["template"], there["enabled"]) == (WEBHOOK["template"], True)
    # Whoever knows the address can make events.
    assert outputs["endpoint"] == {
        "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
        "value": f"https://api.prefect.cloud/hooks/{there['slug']}",
    }
    assert webhooks.read(made, outputs) == outputs
    state = outputs | {"endpoint": outputs["endpoint"]["value"]}
    webhooks = Lifecycle(Webhooks(), lambda: http)
    news = checked(webhooks, WEBHOOK, state)
    assert not webhooks.diff(made, state, news).changes
    # That somebody switches it off is theirs; another template is drift.
    there["enabled"] = False
    assert webhooks.read(made, state) == outputs
    there["template"] = "{}"
    assert (webhooks.read(made, state) or {})["template"] == "{}"
    renamed = webhooks.update(made, state, news | {"name": "arrivals"})
    assert (there["name"], there["enabled"], there["template"]) == ("arrivals", False, WEBHOOK["template"])
    assert renamed["endpoint"] == outputs["endpoint"]
    Lifecycle(Webhooks(), lambda: http).delete(made, state)
    assert workspace.webhooks == {}
    assert webhooks.read(made, state) is None


def test_a_webhook_whose_answer_was_lost_is_made_once(workspace: Workspace, http: Requests) -> None:
    webhooks = Lifecycle(Webhooks(), lambda: http)
    workspace.lose_answers = 1
    made, _ = webhooks.create(checked(webhooks, WEBHOOK))
    assert list(workspace.webhooks) == [made]


def test_a_webhook_of_somebody_else_is_refused_and_adopted(workspace: Workspace, http: Requests) -> None:
    webhooks = Lifecycle(Webhooks(), lambda: http)
    inputs = checked(webhooks, WEBHOOK)
    theirs, _ = webhooks.create(inputs | {"owner": "other/s#2"})
    with pytest.raises(NameTakenError, match="of the Pulumi stack other/s"):
        Lifecycle(Webhooks(), lambda: http).create(inputs)
    ours, outputs = Lifecycle(Webhooks(), lambda: http).create(inputs | {"adopt": True})
    assert ours == theirs
    assert outputs["endpoint"]["value"].endswith(workspace.only_webhook["slug"])
    # The first stack leaves it now.
    assert webhooks.read(theirs, inputs | {"owner": "other/s#2"}) is None


def test_agreements_of_a_deployment(workspace: Workspace, http: Requests) -> None:
    slas = Lifecycle(DeploymentSlas(), lambda: http)
    given = {
        "deployment_id": "d1",
        "slas": [
            {"name": "quick", "duration": 600, "severity": "high"},
            {"name": "nightly", "stale_after": 90000.0},
        ],
    }
    made, outputs = slas.create(checked(slas, given))
    owner = {"owner_resource": "prefect.deployment.d1", "enabled": True}
    assert workspace.slas["d1"] == [
        {"name": "quick", "severity": "high", "duration": 600, **owner},
        {"name": "nightly", "severity": "moderate", "stale_after": 90000.0, **owner},
    ]
    assert slas.read(made, outputs) == outputs
    news = outputs | {"slas": [{"name": "punctual", "within": 300, "enabled": False}]}
    slas = Lifecycle(DeploymentSlas(), lambda: http)
    assert slas.diff(made, outputs, news).changes
    slas.update(made, outputs, news)
    assert [(one["name"], one["enabled"]) for one in workspace.slas["d1"]] == [("punctual", False)]
    later = Lifecycle(DeploymentSlas(), lambda: http)
    later.delete(made, news)
    assert workspace.slas["d1"] == []
    workspace.deployments.clear()
    assert later.read(made, news) is None
    later.delete(made, news)


@pytest.mark.parametrize(
    ("sla", "said"),
    [
        ({"name": "x"}, "slas[0]: needs one of duration, stale_after, within (seconds), and has 0"),
        ({"name": "x", "duration": 1, "within": 2}, "slas[0]: needs one of"),
        (
            {"name": "x", "duraton": 1},
            "slas[0].duraton: a service level agreement has no such field; did you",
        ),
        ({"duration": 1}, "slas[0].name: is missing"),
        ({"name": "x", "duration": 0}, "slas[0].duration: 0 is no number of seconds above 0"),
        ({"name": "x", "duration": True}, "slas[0].duration: True is no number"),
        ({"name": "x", "duration": "5m"}, "slas[0].duration: '5m' is no number"),
        ({"name": "x", "duration": 1, "severity": "bad"}, "slas[0].severity: 'bad' is none of minor, low"),
        ({"name": "x", "duration": 1, "expected_event": "e"}, "slas[0].expected_event: goes with `within`"),
    ],
)
def test_what_no_agreement_is(http: Requests, sla: dict[str, Any], said: str) -> None:
    problems = (
        Lifecycle(DeploymentSlas(), lambda: http).check({}, {"deployment_id": "d1", "slas": [sla]}).problems
    )
    assert any(problem.startswith(said) for problem in problems), problems


def test_two_agreements_of_one_name(http: Requests) -> None:
    slas = [{"name": "x", "duration": 1}, {"name": "x", "within": 1}]
    problems = (
        Lifecycle(DeploymentSlas(), lambda: http).check({}, {"deployment_id": "d1", "slas": slas}).problems
    )
    assert problems == ["slas[1].name: 'x' is another one's too, and Prefect would keep one of them"]


@pytest.mark.parametrize(
    ("kind", "given", "what"),
    [
        (Webhooks(), WEBHOOK, "webhooks"),
        (DeploymentSlas(), {"deployment_id": "d1", "slas": []}, "service level agreements"),
    ],
)
def test_a_server_of_ones_own_has_none(kind: Kind, given: dict[str, Any], what: str) -> None:
    requests = Requests(Server("http://127.0.0.1:4200/api"))
    (said,) = Lifecycle(kind, lambda: requests).check({}, given).problems
    assert said.startswith(f"Prefect at http://127.0.0.1:4200/api has no {what}: only Prefect Cloud has")
    with pytest.raises(RejectedError):
        kind.complete(lambda: requests, given)
