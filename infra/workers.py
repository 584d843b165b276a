"""What workers and their pods may do in Google Cloud."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp

from infra.component import Component, own
from infra.settings.groups.secrets import Secret


@dataclass(frozen=True)
class WorkersArgs:
    """Who starts runs, and who runs are.

    Attributes:
        project: the Google project of the jobs.
        account: dbt's service account, by its full name.
        pipeline: the name of the stack's work pool.
        account_email: the same account's.
        secrets: what the runs read of Secret Manager.
        members: the workers of a cloud-run-v2 work pool.
        pods: the Kubernetes service account `namespace/name` whose pods are dbt's; none where it is empty.
    """

    project: str
    account: pulumi.Input[str]
    account_email: pulumi.Input[str]
    pipeline: str
    secrets: Collection[Secret] = ()
    members: Sequence[str] = ()
    pods: str = ""


class Workers(Component):
    """Lets the workers of a cloud-run-v2 work pool make jobs that run as dbt's service account.

    Their two roles are those that deploying a job with an identity of its own takes
    (https://cloud.google.com/run/docs/reference/iam/roles#additional-configuration). The one on the project
    is a grant of the stack's own: another stack's stays when this one goes.

    And lets the pods of a kubernetes work pool, with the attached identity, be dbt's service account: those
    that run as the Kubernetes service account of the same name
    (https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity).

    The jobs read Prefect's key where the settings say so, since a worker would else write it into each.

    Does not own the secrets, the workers, nor the accounts that they are, nor anything in the cluster.
    """

    def __init__(
        self,
        name: str,
        args: WorkersArgs,
        after: Sequence[pulumi.Input[pulumi.Resource]] = (),
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
                condition=gcp.projects.IAMMemberConditionArgs(**own(f"starts runs of {args.pipeline}")),
                opts=child,
            )
            gcp.serviceaccount.IAMMember(
                f"run-as-dbt-{member}",
                service_account_id=args.account,
                role="roles/iam.serviceAccountUser",
                member=member,
                opts=child,
            )
        for secret in sorted({one[:2] for one in args.secrets}):
            gcp.secretmanager.SecretIamMember(
                f"read-{secret[1]}",
                project=secret[0] or args.project,
                secret_id=secret[1],
                role="roles/secretmanager.secretAccessor",
                member=pulumi.Output.concat("serviceAccount:", args.account_email),
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
