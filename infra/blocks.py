"""The Prefect blocks of one environment, chained: profile -> target -> credentials."""

from __future__ import annotations

from typing import Any

import pulumi

from infra.identity import Identity
from infra.settings import Settings
from infra.warehouse import Warehouse
from providers import BigQueryTargetConfigsBlock, DbtCliProfileBlock, GcpCredentialsBlock, PrefectBlock

# The profile's name in dbt/dbt_project.yml.
PROFILE = "projet_m2_bi"
# What a stack switches in the flow.
SWITCHES = ("seeds", "snapshots", "unit_tests", "freshness", "show_failing_rows")


class Blocks(pulumi.ComponentResource):
    """Owns `gcp-credentials-<env>`, `bigquery-target-configs-<env>` and `dbt-cli-profile-<env>`.

    And `dbt-cli-global-configs-<env>`, where a part of the flow is switched to other than its default.

    Everything a flow has to know of the environment is in them. Does not own their types on the server,
    which other programs use too.
    """

    def __init__(
        self,
        name: str,
        settings: Settings,
        warehouse: Warehouse,
        identity: Identity,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("projet-m2-bi:infra:Blocks", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        environment = settings.environment
        self.credentials = GcpCredentialsBlock(
            "gcp-credentials",
            block_name=f"gcp-credentials-{environment}",
            project=settings.project,
            service_account_info=identity.service_account_info,
            opts=child,
        )
        self.target = BigQueryTargetConfigsBlock(
            "bigquery-target-configs",
            block_name=f"bigquery-target-configs-{environment}",
            project=settings.project,
            schema=warehouse.dataset.dataset_id,
            threads=settings.threads,
            credentials=self.credentials.ref,
            extras={**dbt_extras(settings), **identity.dbt_sign_in},
            opts=child,
        )
        switches = flow_switches(settings)
        self.global_configs = (
            PrefectBlock(
                "dbt-cli-global-configs",
                block_type="dbt-cli-global-configs",
                block_name=f"dbt-cli-global-configs-{environment}",
                data={"extras": switches},
                opts=child,
            )
            if switches
            else None
        )
        self.profile = DbtCliProfileBlock(
            "dbt-cli-profile",
            block_name=f"dbt-cli-profile-{environment}",
            profile=PROFILE,
            target=environment,
            target_configs=self.target.ref,
            global_configs=self.global_configs.ref if self.global_configs else None,
            opts=child,
        )
        self.register_outputs({"profile": f"dbt-cli-profile-{environment}"})


def flow_switches(settings: Settings) -> dict[str, bool]:
    """What the stack switches to other than the default; dbt itself does not read these extras."""
    defaults = Settings.model_fields
    chosen = {name: bool(getattr(settings, name)) for name in SWITCHES}
    return {name: on for name, on in chosen.items() if on is not defaults[name].default}


def dbt_extras(settings: Settings) -> dict[str, Any]:
    """The rest of dbt-bigquery's target (source: dbt-bigquery's BigQueryCredentials)."""
    extras: dict[str, Any] = {
        "location": settings.location,
        "job_execution_timeout_seconds": settings.job_timeout_seconds,
        "job_retries": settings.job_retries,
    }
    if settings.maximum_bytes_billed:
        extras["maximum_bytes_billed"] = settings.maximum_bytes_billed
    if settings.api_endpoint:
        extras["api_endpoint"] = settings.api_endpoint
    return extras
