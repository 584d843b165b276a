"""What workers and their pods may do in Google Cloud."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_gcp as gcp

from infra.identity import Identity
from infra.settings import Settings


class Workers(pulumi.ComponentResource):
    """Lets the workers of a cloud-run-v2 work pool make jobs that run as dbt's service account.

    Their two roles are those that deploying a job with an identity of its own takes
    (https://cloud.google.com/run/docs/reference/iam/roles#additional-configuration).

    And lets the pods of a kubernetes work pool, with the attached identity, be dbt's service account: those
    that run as the Kubernetes service account of the same name
    (https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity).

    Does not own the workers, nor the accounts that they are, nor anything in the cluster.
    """

    def __init__(
        self,
        name: str,
        settings: Settings,
        identity: Identity,
        after: Sequence[pulumi.Resource] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("projet-m2-bi:infra:Workers", name, None, opts)
        child = pulumi.ResourceOptions(parent=self, depends_on=[*after])
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
        if settings.work_pool_type == "kubernetes" and settings.identity == "attached":
            pods = f"{settings.project}.svc.id.goog[{settings.namespace}/{settings.service_account}]"
            gcp.serviceaccount.IAMMember(
                "pods-are-dbt",
                service_account_id=identity.account.name,
                role="roles/iam.workloadIdentityUser",
                member=f"serviceAccount:{pods}",
                opts=child,
            )
        self.register_outputs({})
