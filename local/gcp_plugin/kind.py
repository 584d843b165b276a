"""A kind of resource: a table of inputs, checked and compared in one way, and five calls of its own."""

from __future__ import annotations

import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from local.gcp_plugin.config import Config
from local.gcp_plugin.errors import PluginError
from local.gcp_plugin.google_api import Google
from local.gcp_plugin.values import UNKNOWN, holds_unknown

Values = dict[str, Any]
_TYPE_NAMES = {str: "a string", bool: "a boolean", int: "a whole number", dict: "a map", list: "a list"}
DELETION_POLICIES = ("DELETE", "PREVENT", "ABANDON")


@dataclass(frozen=True, kw_only=True)
class Property:
    """One input.

    Where none is given, `default` is written into the inputs, `absent` is what the state holds, `kept` means
    that the service's own value stays, and `from_provider` that the provider's setting of that name counts.
    `rule` lists what is wrong with a value; `same` compares the state's value with the wanted one.
    """

    type: type = str
    required: bool = False
    replaces: bool = False
    default: Any = None
    absent: Any = None
    kept: bool = False
    from_provider: bool = False
    rule: Callable[[Any], list[str]] | None = None
    same: Callable[[Any, Any], bool] = operator.eq


@dataclass(frozen=True)
class Failure:
    """A value that `check` refuses."""

    property: str
    reason: str


@dataclass(frozen=True)
class Change:
    """A difference between the state and the wanted inputs."""

    property: str
    had: bool
    wanted: bool
    replaces: bool


@dataclass(frozen=True)
class Found:
    """A resource as the service has it: its id in the official plugin's form, and its outputs."""

    id: str
    outputs: Values = field(repr=False)


class Kind(ABC):
    """A kind of resource. To add one: a subclass in a file of its own, and a line in `kinds/__init__.py`.

    `delete_before_replace` is as the official plugin has it, kind by kind.
    """

    token: ClassVar[str]
    service: ClassVar[str]
    properties: ClassVar[Mapping[str, Property]]
    outputs: ClassVar[tuple[str, ...]] = ()
    secret_outputs: ClassVar[frozenset[str]] = frozenset()
    delete_before_replace: ClassVar[bool] = False

    @abstractmethod
    async def create(self, google: Google, inputs: Values) -> Found:
        """Make the resource. Raises GoogleError as the service gives it."""

    @abstractmethod
    async def read(self, google: Google, resource_id: str, state: Values) -> Found | None:
        """Return the resource as it is now, or None where it is gone. `state` is empty on import."""

    @abstractmethod
    async def update(self, google: Google, resource_id: str, state: Values, inputs: Values) -> Values:
        """Change what `inputs` change in place and return the new outputs."""

    @abstractmethod
    async def delete(self, google: Google, resource_id: str, state: Values) -> None:
        """Remove the resource; one that is gone already is fine."""

    def predict(self, inputs: Values, config: Config) -> Values:  # noqa: ARG002
        """Return the outputs, beyond the inputs, that a preview can tell."""
        return {}

    def check(self, inputs: Values, config: Config) -> tuple[Values, list[Failure]]:
        """Fill in defaults and find everything that is wrong, as far as it is known yet."""
        name = self.token.rpartition(":")[2]
        failures = [
            Failure(key, f"unknown property {key!r}; {name} has: {', '.join(sorted(self.properties))}")
            for key in inputs
            if key not in self.properties and not key.startswith("__")
        ]
        checked: Values = {}
        defaults: list[str] = []
        for key, prop in self.properties.items():
            value = inputs.get(key)
            if value is None and prop.default is not None:
                value = prop.default
                defaults.append(key)
            if value is not None:
                checked[key], wrong = _checked(key, value, prop)
                failures += wrong
            elif prop.required:
                failures.append(Failure(key, f"missing required property {key!r}"))
            elif prop.from_provider and not getattr(config, key):
                failures.append(
                    Failure(
                        key, f"{key!r} is not set, here or for the provider: pulumi config set gcp:{key} …"
                    )
                )
        if problem := config.missing_endpoint(self.service):
            failures.append(Failure("", problem))
        # The official plugin's mark for values that no program wrote; it hides them in diffs.
        checked["__defaults"] = defaults
        return checked, failures

    def diff(self, state: Values, inputs: Values, config: Config) -> list[Change]:
        """Compare the wanted inputs with the state, so that a refreshed drift shows as well."""
        changes = []
        for key, prop in self.properties.items():
            wanted = inputs.get(key)
            if wanted is None and prop.from_provider:
                wanted = getattr(config, key)
            if wanted is None and prop.kept:
                continue
            had = state.get(key)
            if _differ(_or_absent(had, prop), _or_absent(wanted, prop), prop):
                changes.append(
                    Change(key, had=had is not None, wanted=wanted is not None, replaces=prop.replaces)
                )
        return changes

    def preview(self, inputs: Values, config: Config) -> Values:
        """Outputs of a creation that has not happened: what is known, and `UNKNOWN` for the rest."""
        known: Values = dict.fromkeys(self.outputs, UNKNOWN)
        for key, prop in self.properties.items():
            if key in inputs:
                known[key] = inputs[key]
            elif prop.from_provider:
                known[key] = getattr(config, key)
            else:
                known[key] = UNKNOWN if prop.kept else prop.absent
        return {**known, **self.predict(inputs, config)}

    def preview_update(self, inputs: Values, config: Config) -> Values:
        """What an update that has not happened will change in the outputs."""
        changed: Values = {
            key: inputs.get(key, prop.absent)
            for key, prop in self.properties.items()
            if key in inputs or not prop.kept
        }
        changed = {key: value for key, value in changed.items() if not self.properties[key].from_provider}
        return {**changed, **self.predict(inputs, config)}

    def inputs_of(self, outputs: Values, old_inputs: Values) -> Values:
        """Inputs that would give these outputs: those given before or, on import, all that say something."""
        given = {key for key in old_inputs if not key.startswith("__")}
        if not given:
            given = {
                key
                for key, prop in self.properties.items()
                if prop.required or (prop.absent or None) != (outputs.get(key) or None)
            }
        inputs = {
            key: _said(outputs[key])
            for key in self.properties
            if key in given and outputs.get(key) is not None
        }
        return {**inputs, "__defaults": old_inputs.get("__defaults", [])}


def check_deletion_policy(value: str) -> list[str]:
    """Rule for `deletionPolicy`."""
    return (
        []
        if value in DELETION_POLICIES
        else [f"must be one of {', '.join(DELETION_POLICIES)}, not {value!r}"]
    )


def deletes(state: Values, what: str) -> bool:
    """Whether to delete the service's resource. Raises PluginError if the deletion policy forbids it."""
    policy = state.get("deletionPolicy") or "DELETE"
    if policy == "PREVENT":
        raise PluginError(
            f"{what} has deletionPolicy PREVENT: set it to DELETE, run pulumi up, then delete it"
        )
    return bool(policy == "DELETE")


def project_of(values: Values, config: Config) -> str:
    """Return the resource's project, or else the provider's."""
    return str(values.get("project") or config.project)


def _checked(key: str, value: Any, prop: Property) -> tuple[Any, list[Failure]]:
    if value == UNKNOWN:
        return value, []
    value = _coerced(value, prop.type)
    if not isinstance(value, prop.type):
        return value, [Failure(key, f"{key!r} must be {_TYPE_NAMES[prop.type]}, not {value!r}")]
    if prop.rule is None or holds_unknown(value):
        return value, []
    return value, [Failure(key, reason) for reason in prop.rule(value)]


def _coerced(value: Any, kind: type) -> Any:
    """Take numbers and booleans written as text, and the reverse, as the official plugin does."""
    if kind is int and isinstance(value, float | str) and str(value).removesuffix(".0").lstrip("-").isdigit():
        return int(str(value).removesuffix(".0"))
    if kind is bool and value in ("true", "false"):
        return value == "true"
    if kind is str and isinstance(value, bool):
        return str(value).lower()
    if kind is str and isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(value)
    return value


def _said(value: Any) -> Any:
    """Leave out what list items do not say: outputs pad them with empty fields, programs don't."""
    if isinstance(value, list):
        return [
            {k: v for k, v in item.items() if v not in (None, "")} if isinstance(item, dict) else item
            for item in value
        ]
    return value


def _or_absent(value: Any, prop: Property) -> Any:
    return prop.absent if value is None else value


def _differ(had: Any, wanted: Any, prop: Property) -> bool:
    # "", 0, false, empty and null are all "not set" to the service.
    if not had and not wanted:
        return False
    if not had or not wanted or holds_unknown(wanted):
        return True
    return not prop.same(had, wanted)
