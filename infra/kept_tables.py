"""`KeptTables`: no `pulumi up` drops a dataset that holds tables, unless the settings say so for that once.

What runs at the next preview is the pickle in the state, which is the provider's name: never move or rename
`KeptTablesProvider`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi.dynamic import (
    CheckResult,
    ConfigureRequest,
    CreateResult,
    DiffResult,
    Resource,
    ResourceProvider,
    UpdateResult,
)

TOLD = ("datasets", "there", "protected", "labels", "may_drop", "api_endpoint", "stack")


class KeptTablesProvider(ResourceProvider):
    """Knows from the state which datasets there were, and so sees at preview which of them would go."""

    # It captures no secret: it captures nothing.
    serialize_as_secret_always = False

    def __reduce__(self) -> tuple[type[KeptTablesProvider], tuple[()]]:
        return KeptTablesProvider, ()

    def configure(self, req: ConfigureRequest) -> None:  # noqa: ARG002
        """Let refusals be told without a traceback."""
        from providers.engine.sdk import speak_plainly  # noqa: PLC0415  not pickled with it

        speak_plainly()

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Raise KeptError for tables that would go, somebody else's dataset, or one that is not there."""
        from infra.google import dropped  # noqa: PLC0415

        dropped.check(_olds, news)
        return CheckResult(news, [])

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Compare what is told."""
        changed = [name for name in TOLD if (_olds.get(name) or None) != (_news.get(name) or None)]
        return DiffResult(changes=bool(changed))

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Remember what is told."""
        return CreateResult("kept-tables", props)

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Remember what is told now."""
        return UpdateResult(_news)


class KeptTables(Resource, module="lifecycle", name="KeptTables"):
    """Refuses an update that would drop tables, meet a dataset which exists already, or miss one.

    Args:
        resource_name: the resource's name in Pulumi.
        datasets: the location of each dataset that the stack makes, by `project.name`.
        there: those that the stack only grants, as `project.name`.
        protected: the setting that would let Pulumi drop it, of those that are protected.
        labels: by which the stack's own are known.
        may_drop: those that may go in this update, each as `name@LOCATION` or `project.name@LOCATION`.
        api_endpoint: BigQuery's, where it is not Google's.
        stack: for the commands in a refusal.
        opts: as for every resource.
    """

    def __init__(
        self,
        resource_name: str,
        *,
        datasets: Mapping[str, str],
        there: Sequence[str],
        protected: Mapping[str, str],
        labels: Mapping[str, str],
        may_drop: Sequence[str],
        api_endpoint: str | None,
        stack: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        properties = {
            "datasets": datasets,
            "there": there,
            "protected": protected,
            "labels": labels,
            "may_drop": may_drop,
            "api_endpoint": api_endpoint,
            "stack": stack,
        }
        super().__init__(KeptTablesProvider(), resource_name, properties, opts)
