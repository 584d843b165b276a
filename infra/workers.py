"""Who may start runs in Google Cloud."""

from __future__ import annotations

import pulumi
import pulumi_gcp as gcp

from infra.identity import Identity
from infra.settings import Settings


class Workers(pulumi.ComponentResource):
    """Lets the workers of a cloud-run-v2 work pool make jobs that run as dbt's service account.

    The two roles are those that deploying a job with an identity of its own takes
    (https://cloud.google.com/run/docs/reference/iam/roles#additional-configuration). Does not own the
    workers, nor the accounts that they are.
    """

    def __init__(
        self,
        name: str,
        settings: Settings,
        identity: Identity,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("projet-m2-bi:infra:Workers", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        for member in settings.workers:
            gcp.projects.IAMMember(
                f"start-runs-{member}",
                project=settings.project,
                role="roles/run.developer",
                member=member,
                opts=child,
            )
            gcp.serviceaccount.IAMMember(
                f"run-as-dbt-{member}",
                service_account_id=identity.account.name,
                role="roles/iam.serviceAccountUser",
                member=member,
                opts=child,
            )
        self.register_outputs({})
