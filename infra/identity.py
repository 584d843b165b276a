"""Who dbt is in BigQuery."""

from __future__ import annotations

import base64
import json
from typing import Any

import pulumi
import pulumi_gcp as gcp

from infra.settings import Settings
from infra.warehouse import Warehouse


class Identity(pulumi.ComponentResource):
    """Owns dbt's service account, just the roles that dbt needs, and the account's key.

    Roles: run jobs in the project, write the environment's dataset, read the raw one. Does not own
    anybody else's access, and gives none that reaches beyond these two datasets.
    """

    def __init__(
        self,
        name: str,
        settings: Settings,
        warehouse: Warehouse,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("projet-m2-bi:infra:Identity", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.account = gcp.serviceaccount.Account(
            "service-account",
            account_id=f"dbt-{settings.environment}",
            display_name=f"dbt ({settings.environment})",
            description="Runs dbt from Prefect.",
            opts=child,
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
        # The key comes last: whoever holds it can work at once.
        self.key = gcp.serviceaccount.Key(
            "key",
            service_account_id=self.account.name,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[run_jobs, write, read]),
        )
        self.service_account_info: pulumi.Output[dict[str, Any]] = pulumi.Output.secret(
            self.key.private_key.apply(key_file)
        )
        self.register_outputs({"email": self.account.email})


def key_file(private_key: str) -> dict[str, Any]:
    """Google's key file, which the API returns in base64 of its JSON."""
    content: dict[str, Any] = json.loads(base64.b64decode(private_key))
    return content
