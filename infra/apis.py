"""The Google APIs that the other parts, and the runs, call."""

from __future__ import annotations

import pulumi
import pulumi_gcp as gcp

from infra.settings import Settings


class Apis(pulumi.ComponentResource):
    """Switches on the APIs in the project. Never switches one off: others may use it.

    Does not own the Service Usage API itself, which is on in every project that has billing.
    """

    def __init__(self, name: str, settings: Settings, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("projet-m2-bi:infra:Apis", name, None, opts)
        self.services: list[pulumi.Resource] = [
            gcp.projects.Service(
                f"api-{service}",
                project=settings.project,
                service=f"{service}.googleapis.com",
                disable_on_destroy=False,
                opts=pulumi.ResourceOptions(parent=self),
            )
            for service in apis(settings)
        ]
        self.register_outputs({})


def apis(settings: Settings) -> tuple[str, ...]:
    """Their names, without `.googleapis.com`; none where the stack leaves that to others."""
    if not settings.enable_apis:
        return ()
    keyless = ("iamcredentials",) if settings.identity == "impersonation" else ()
    runs = ("run",) if settings.work_pool_type == "cloud-run-v2" else ()
    return ("bigquery", "cloudresourcemanager", "iam", *keyless, *runs)
