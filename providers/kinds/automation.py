"""Automations: what Prefect does when something happens, or does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

import pulumi
from pulumi import Input, Output

from providers.api.errors import NameTakenError, PrefectError
from providers.checks.inputs import any_name_problems
from providers.kinds import marks
from providers.kinds.kind import MISSING, Found, Kind, Properties, only
from providers.kinds.resource import PrefectResource
from providers.kinds.triggers import action_problems, same_actions, same_trigger, trigger_problems
from providers.values import pack

if TYPE_CHECKING:
    import httpx

    from providers.api.http import Requests

ACTIONS = {"type": "array", "items": {"type": "object", "required": ["type"]}}
ACTION_LISTS = ("actions", "actions_on_trigger", "actions_on_resolve")
TOLD = ("name", "description", "tags", "trigger", *ACTION_LISTS)


class Automations(Kind):
    """Prefect's automations. Prefect lets two have the same name; here a name is one automation's."""

    title = "automation"
    marked = True
    names_are_unique = False
    schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "required": ["name", "trigger", "actions"],
        "properties": {
            "name": {"type": "string"},
            "description": {"type": "string"},
            "tags": {"type": "array", "items": {"type": "string"}},
            "trigger": {"type": "object"},
            "actions": ACTIONS,
            "actions_on_trigger": ACTIONS,
            "actions_on_resolve": ACTIONS,
            "enabled": {"type": "boolean"},
            "manage_state": {"type": "boolean"},
        },
    }
    defaults: ClassVar[Mapping[str, Any]] = {
        "description": "",
        "tags": [],
        "actions_on_trigger": [],
        "actions_on_resolve": [],
        "enabled": True,
        "manage_state": False,
    }
    replaces = ()
    states = ("enabled",)

    def problems(self, inputs: Properties) -> list[str]:
        """List bad names, and slips in trigger and actions; Prefect itself reads the rest of these."""
        found = [*any_name_problems("name", inputs["name"]), *trigger_problems("trigger", inputs["trigger"])]
        for name in ACTION_LISTS:
            found += action_problems(name, inputs[name])
        return found

    def find(self, http: Requests, inputs: Properties) -> Found | None:
        """Look it up by its name. Raises NameTakenError where several have it, none of them this stack's."""
        twins = self._own(http, inputs)[:1] or self._named(http, inputs["name"])
        if len(twins) > 1:
            raise NameTakenError(
                f"Prefect at {http.server.api_url} has {len(twins)} automations named {inputs['name']!r}: "
                "rename or delete all but one of them in its page"
            )
        return twins[0] if twins else None

    def read(self, http: Requests, object_id: str, inputs: Properties) -> Found | None:  # noqa: ARG002
        """Read it by its id."""
        response = http.send("GET", f"/automations/{object_id}", accept=MISSING)
        return None if response.status_code == 404 else _found(response.json())

    def create(self, http: Requests, inputs: Properties) -> Found:
        """Create it once, though an answer may be lost.

        Nothing in Prefect keeps a name unique, so after a lost answer the automation is looked for, by its
        owner's mark. Where a request that was believed lost arrived late, its twin is deleted.
        """
        lost = False

        def look() -> httpx.Response | None:
            nonlocal lost
            lost = True
            first = next(iter(self._own(http, inputs)), None)
            return http.send("GET", f"/automations/{first.id}", accept=MISSING) if first else None

        response = http.send("POST", "/automations/", json=_body(inputs, inputs["enabled"]), look=look)
        made = _found(response.json())
        if lost:
            with suppress(
                PrefectError
            ):  # Its id has to get into the state; a copy goes with the next change.
                self._drop_copies(http, made.id, inputs)
        return made

    def update(self, http: Requests, object_id: str, olds: Properties, news: Properties) -> None:
        """Write all of it, since Prefect takes no parts; `enabled` as it is, where that is people's.

        What is a copy of the old one by then goes, see `_drop_copies`.
        """
        found = self.read(http, object_id, news)
        if found is None:
            raise self.gone(news, http.server.api_url)
        enabled = news["enabled"] if self.to_write(olds, news) else found.properties["enabled"]
        response = http.send("PUT", f"/automations/{object_id}", json=_body(news, enabled), accept=MISSING)
        if response.status_code == 404:
            raise self.gone(news, http.server.api_url)
        self._drop_copies(http, object_id, olds)

    def delete(self, http: Requests, object_id: str, inputs: Properties) -> None:
        """Delete it, and what is a copy of it, see `_drop_copies`."""
        _drop(http, object_id)
        self._drop_copies(http, object_id, inputs)

    def _drop_copies(self, http: Requests, object_id: str, inputs: Properties) -> None:
        """Delete what this stack has marked, has the same name and does the same: a request that came late.

        Nobody else knows of it, and it would act beside its twin, and after it is gone.
        """
        for found in self._own(http, inputs):
            if found.id != object_id and self.as_given(inputs, found.properties) == inputs:
                _drop(http, found.id)

    def _own(self, http: Requests, inputs: Properties) -> list[Found]:
        """List those of the name that this stack has marked, the oldest first."""
        owner = inputs.get("owner")
        return [one for one in self._named(http, inputs["name"]) if owner and one.owner == owner]

    def means(self, name: str, given: Any, actual: Any) -> bool:
        """Compare triggers and actions without what Prefect fills in."""
        if name == "trigger":
            return same_trigger(given, actual)
        if name in ACTION_LISTS:
            return same_actions(given, actual)
        return super().means(name, given, actual)

    @staticmethod
    def _named(http: Requests, name: str) -> list[Found]:
        """List the automations of a name, the oldest first."""
        found = _named(http, name).json()
        return [_found(one) for one in sorted(found, key=lambda one: str(one.get("created")))]


def _named(http: Requests, name: str) -> httpx.Response:
    return http.send("POST", "/automations/filter", json={"automations": {"name": {"any_": [name]}}})


def _drop(http: Requests, object_id: str) -> None:
    http.send("DELETE", f"/automations/{object_id}", accept=MISSING)


def _found(body: Properties) -> Found:
    tags, owner = marks.unmarked(body["tags"])
    return Found(body["id"], {**only(body, *TOLD), "tags": tags, "enabled": body["enabled"]}, owner)


def _body(inputs: Properties, enabled: bool) -> Properties:
    tags = marks.marked(inputs["tags"], inputs.get("owner"))
    return {**only(inputs, *TOLD), "tags": tags, "enabled": enabled}


class Automation(PrefectResource, module="prefect", name="Automation"):
    """An automation of Prefect: actions, and the trigger that sets them off.

    Args:
        resource_name: the resource's name in Pulumi.
        name: the automation's name; a new one renames it.
        trigger: as Prefect's API describes it: `{"type": "event", "posture": "Reactive", "expect": […], …}`.
        actions: what to do then, such as `{"type": "send-notification", "block_document_id": block.id, …}`.
        actions_on_trigger: what to do when the automation goes into its triggered state.
        actions_on_resolve: what to do when it comes out of it.
        description: shown in Prefect's page.
        tags: shown in Prefect's page.
        enabled: whether it works. Afterwards people's own, unless `manage_state`.
        manage_state: let the program alone say whether it is enabled.
        adopt: take over the automation of this name that exists. Without it, such an automation is an error.
        opts: as for every resource.
    """

    name: Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        name: Input[str],
        trigger: Input[Mapping[str, Input[Any]]],
        actions: Input[Sequence[Input[Mapping[str, Input[Any]]]]],
        actions_on_trigger: Input[Sequence[Input[Mapping[str, Input[Any]]]]] | None = None,
        actions_on_resolve: Input[Sequence[Input[Mapping[str, Input[Any]]]]] | None = None,
        description: Input[str] | None = None,
        tags: Input[Sequence[Input[str]]] | None = None,
        enabled: Input[bool] = True,
        manage_state: Input[bool] = False,
        adopt: Input[bool] = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        properties = {
            "name": name,
            "trigger": pack(trigger),
            "actions": pack(actions),
            "actions_on_trigger": pack(actions_on_trigger),
            "actions_on_resolve": pack(actions_on_resolve),
            "description": description,
            "tags": tags,
            "enabled": enabled,
            "manage_state": manage_state,
            "adopt": adopt,
        }
        super().__init__("automation", resource_name, properties, opts)


KIND = Automations()
