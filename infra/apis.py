"""The Google APIs that the other parts, and the runs, call."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp

from infra.component import Component


@dataclass(frozen=True)
class ApisArgs:
    """`services` are names without `.googleapis.com`; none where the stack leaves that to others."""

    project: str
    services: tuple[str, ...] = ()


class Apis(Component):
    """Switches on the APIs in the project. Never switches one off: others may use it.

    Does not own the Service Usage API itself, which is on in every project that has billing.
    """

    def __init__(self, name: str, args: ApisArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self.services: list[pulumi.Resource] = [
            gcp.projects.Service(
                f"api-{service}",
                project=args.project,
                service=f"{service}.googleapis.com",
                disable_on_destroy=False,
                opts=pulumi.ResourceOptions(parent=self),
            )
            for service in args.services
        ]
        self.register_outputs({})
