"""Who dbt is in BigQuery."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi
import pulumi_gcp as gcp

from infra import new_key
from infra.settings import Settings
from infra.warehouse import Warehouse


class Identity(pulumi.ComponentResource):
    """Owns dbt's service account, just the roles that dbt needs, and one way to sign in as it.

    Roles: run jobs in the project, write the environment's dataset, read the raw one. The way to sign in is a
    key, or the right of some people to act as the account, or neither where machines are given the account
    (`infra.settings.sign_in`). Does not own anybody else's access, and gives none that reaches beyond these
    datasets.

    Attributes:
        account: the service account.
        service_account_info: its key in Google's format, secret; None where no key exists.
        dbt_sign_in: what dbt's target says of a sign-in without a key, in dbt-bigquery's own words. It has
            none for the account that a machine has to be: that is a word of the flow's, which dbt ignores.
    """

    def __init__(
        self,
        name: str,
        settings: Settings,
        warehouse: Warehouse,
        after: Sequence[pulumi.Resource] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("projet-m2-bi:infra:Identity", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.account = gcp.serviceaccount.Account(
            "service-account",
            account_id=settings.service_account,
            display_name=f"dbt ({settings.environment})",
            description="Runs dbt from Prefect.",
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*after]),
        )
        member = self.account.email.apply(lambda email: f"serviceAccount:{email}")
        run_jobs = gcp.projects.IAMMember(
            "run-jobs", project=settings.project, role="roles/bigquery.jobUser", member=member, opts=child
        )
        write = gcp.bigquery.DatasetIamMember(
            "write-dataset",
            dataset_id=warehouse.dataset.dataset_id,
            role="roles/bigquery.dataEditor",
            member=member,
            opts=child,
        )
        read = gcp.bigquery.DatasetIamMember(
            "read-raw-dataset",
            dataset_id=warehouse.raw_dataset.dataset_id,
            role="roles/bigquery.dataViewer",
            member=member,
            opts=child,
        )
        # The way in comes last: whoever has it can work at once.
        last = pulumi.ResourceOptions(parent=self, depends_on=[run_jobs, write, read])
        self.service_account_info: pulumi.Output[dict[str, Any]] | None = None
        self.dbt_sign_in: dict[str, pulumi.Input[str]] = {}
        if settings.identity == "key":
            self.service_account_info = self._key(settings.key_rotation, last)
        else:
            self.dbt_sign_in["method"] = "oauth"
        if settings.identity == "impersonation":
            self._let_act(settings.impersonators, last)
            self.dbt_sign_in["impersonate_service_account"] = self.account.email
        if settings.identity == "attached":
            self.dbt_sign_in["attached_service_account"] = self.account.email
        self.register_outputs({"email": self.account.email})

    def _key(self, rotation: str, opts: pulumi.ResourceOptions) -> pulumi.Output[dict[str, Any]]:
        """Make a key, and a new one for another `rotation`: the old one goes when the block has the new.

        The block gets it when Google knows it everywhere, so that no flow is refused.
        """
        key = gcp.serviceaccount.Key(
            "key",
            service_account_id=self.account.name,
            keepers={"rotation": rotation} if rotation else None,
            opts=opts,
        )
        parts = pulumi.Output.all(key.private_key, key.valid_after)
        return pulumi.Output.secret(parts.apply(lambda known: new_key.usable(*known)))

    def _let_act(self, members: Sequence[str], opts: pulumi.ResourceOptions) -> None:
        for member in members:
            gcp.serviceaccount.IAMMember(
                f"act-as-{member}",
                service_account_id=self.account.name,
                role="roles/iam.serviceAccountTokenCreator",
                member=member,
                opts=opts,
            )
