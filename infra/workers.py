"""What workers and their pods may do in Google Cloud."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp

from infra.component import Component


@dataclass(frozen=True)
class WorkersArgs:
    """Who starts runs, and who runs are.

    Attributes:
        project: the Google project of the jobs.
        account: dbt's service account, by its full name.
        members: the workers of a cloud-run-v2 work pool.
        pods: the Kubernetes service account `namespace/name` whose pods are dbt's; none where it is empty.
    """

    project: str
    account: pulumi.Input[str]
    members: Sequence[str] = ()
    pods: str = ""


class Workers(Component):
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
        args: WorkersArgs,
        after: Sequence[pulumi.Resource] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        child = pulumi.ResourceOptions(parent=self, depends_on=[*after])
        for member in args.members:
            gcp.projects.IAMMember(
                f"start-runs-{member}",
                project=args.project,
                role="roles/run.developer",
                member=member,
                opts=child,
            )
            gcp.serviceaccount.IAMMember(
                f"run-as-dbt-{member}",
                service_account_id=args.account,
                role="roles/iam.serviceAccountUser",
                member=member,
                opts=child,
            )
        if args.pods:
            gcp.serviceaccount.IAMMember(
                "pods-are-dbt",
                service_account_id=args.account,
                role="roles/iam.workloadIdentityUser",
                member=f"serviceAccount:{args.project}.svc.id.goog[{args.pods}]",
                opts=child,
            )
        self.register_outputs({})
