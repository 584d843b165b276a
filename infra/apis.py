"""The Google APIs that the other parts, and the runs, call."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp

from infra.component import Component
from infra.google import answers


@dataclass(frozen=True)
class ApisArgs:
    """`services` are names without `.googleapis.com`; none where the stack leaves that to others."""

    project: str
    services: tuple[str, ...] = ()


class Apis(Component):
    """Switches on the APIs in the project. Never switches one off: others may use it.

    What comes after `services` comes when the APIs answer: one that is just switched on needs minutes.
    Does not own the Service Usage API itself, which is on in every project that has billing.
    """

    def __init__(self, name: str, args: ApisArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        services = [
            gcp.projects.Service(
                f"api-{service}",
                project=args.project,
                service=f"{service}.googleapis.com",
                disable_on_destroy=False,
                opts=pulumi.ResourceOptions(parent=self),
            )
            for service in args.services
        ]
        access = answers.token() if services else ""
        self.services: list[pulumi.Input[pulumi.Resource]] = [
            _answers(one, service, args.project, access)
            for one, service in zip(services, args.services, strict=True)
        ]
        self.register_outputs({})


def _answers(
    resource: pulumi.Resource, service: str, project: str, access: str
) -> pulumi.Output[pulumi.Resource]:
    async def wait(_: object) -> pulumi.Resource:
        await answers.api_in_force(service, project, access)
        return resource

    return pulumi.Output.from_input(resource.urn).apply(wait)
