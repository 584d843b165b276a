"""Service level agreements of a deployment: what Prefect Cloud watches of its runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import pulumi
from pulumi import Input, Output

from providers.checks.inputs import unknown_fields
from providers.kinds.deployment import Deployment
from providers.kinds.kind import MISSING, Connect, Found, Kind, Properties, cloud_only
from providers.kinds.resource import PrefectResource
from providers.values import UNKNOWN

if TYPE_CHECKING:
    from providers.api.http import Requests

#: What each kind of agreement is known by (prefect._experimental.sla.objects), in seconds.
LIMITS = ("duration", "stale_after", "within")
#: With `within`, these make it one of freshness.
FRESHNESS = ("expected_event", "resource_match")
SEVERITIES = ("minor", "low", "moderate", "high", "critical")
KNOWN = ("name", "severity", "enabled", *LIMITS, *FRESHNESS)


class DeploymentSlas(Kind):
    """All agreements of one deployment, which Prefect takes as a whole and can't be asked for."""

    title = "service level agreements"
    schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "required": ["deployment_id", "slas"],
        "properties": {
            "deployment_id": {"type": "string"},
            "slas": {"type": "array", "minItems": 1, "items": {"type": "object"}},
        },
    }
    replaces = ("deployment_id",)
    unique = ("deployment_id",)

    def label(self, inputs: Properties) -> str:
        """`service level agreements of deployment 0c5…`."""
        return f"{self.title} of deployment {inputs.get('deployment_id')}"

    def complete(self, connect: Connect, inputs: Properties) -> Properties:
        """Return the inputs. Raises RejectedError where Prefect is no Prefect Cloud."""
        cloud_only(connect, "service level agreements")
        return inputs

    def problems(self, inputs: Properties) -> list[str]:
        """List what Prefect would refuse, ignore, or take for one agreement."""
        slas = inputs["slas"]
        if slas == UNKNOWN:
            return []
        found: list[str] = []
        names: list[Any] = []
        for index, sla in enumerate(slas):
            path = f"slas[{index}]"
            if not isinstance(sla, Mapping):
                continue
            found += unknown_fields(path, sla, KNOWN, "a service level agreement")
            name, severity = sla.get("name"), sla.get("severity", UNKNOWN)
            if not name:
                found.append(f"{path}.name: is missing")
            elif name in names and name != UNKNOWN:
                found.append(
                    f"{path}.name: {name!r} is another one's too, and Prefect would keep one of them"
                )
            names.append(name)
            if severity not in {UNKNOWN, *SEVERITIES}:
                found.append(f"{path}.severity: {severity!r} is none of {', '.join(SEVERITIES)}")
            limits = [limit for limit in LIMITS if limit in sla]
            if len(limits) != 1:
                found.append(f"{path}: needs one of {', '.join(LIMITS)} (seconds), and has {len(limits)}")
            found += [
                f"{path}.{limit}: {sla[limit]!r} is no number of seconds above 0"
                for limit in limits
                if sla[limit] != UNKNOWN and not _is_positive(sla[limit])
            ]
            if "within" not in sla:
                found += [f"{path}.{name}: goes with `within` only" for name in FRESHNESS if name in sla]
        return found

    def find(self, http: Requests, inputs: Properties) -> Found | None:  # noqa: ARG002
        """Return None: Prefect can't be asked for them."""
        return None

    def read(self, http: Requests, object_id: str, inputs: Properties) -> Found | None:  # noqa: ARG002
        """Tell whether their deployment is there; they go with it."""
        response = http.send("GET", f"/deployments/{object_id}", accept=MISSING)
        return None if response.status_code == 404 else Found(object_id, {})

    def create(self, http: Requests, inputs: Properties) -> Found | None:
        """Apply them; sending them again does no harm."""
        _apply(http, inputs["deployment_id"], inputs["slas"])
        return Found(inputs["deployment_id"], {})

    def update(self, http: Requests, object_id: str, olds: Properties, news: Properties) -> None:  # noqa: ARG002
        """Apply them all: those that are no longer there are deleted."""
        _apply(http, object_id, news["slas"])

    def delete(self, http: Requests, object_id: str, inputs: Properties) -> None:
        """Apply none; fine if the deployment is gone."""
        if self.read(http, object_id, inputs):
            _apply(http, object_id, [])


def _is_positive(seconds: Any) -> bool:
    return isinstance(seconds, int | float) and not isinstance(seconds, bool) and seconds > 0


def _apply(http: Requests, deployment_id: str, slas: Sequence[Mapping[str, Any]]) -> None:
    resource = f"prefect.deployment.{deployment_id}"
    body = [{"severity": "moderate", "enabled": True, **sla, "owner_resource": resource} for sla in slas]
    http.send("POST", f"/slas/apply-resource-slas/{resource}", json=body)


class ServiceLevelAgreements(PrefectResource, module="prefect", name="ServiceLevelAgreements"):
    """All service level agreements of a deployment in Prefect Cloud; those that others made are replaced.

    Args:
        resource_name: the resource's name in Pulumi.
        deployment: the deployment, or its id. Another one replaces them.
        slas: for each a `name` and, in seconds, one of `duration` (of a run), `stale_after` (between two that
            completed) and `within` (of the time it was to start; with `expected_event` and `resource_match`,
            between two such events); `severity` (`moderate` unless given: minor, low, moderate, high,
            critical), `enabled`.
        opts: as for every resource.
    """

    deployment_id: Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        deployment: Deployment | Input[str],
        slas: Input[Sequence[Input[Mapping[str, Any]]]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        deployment_id = deployment.id if isinstance(deployment, Deployment) else deployment
        super().__init__(
            "deployment-slas", resource_name, {"deployment_id": deployment_id, "slas": slas}, opts
        )


KIND = DeploymentSlas()
