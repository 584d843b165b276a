"""Prefect's blocks as Pulumi resources.

    from providers import BigQueryTargetConfigsBlock, DbtCliProfileBlock, GcpCredentialsBlock, PrefectBlock

    credentials = GcpCredentialsBlock(
        "gcp-credentials",
        block_name="gcp-credentials-dev",
        project="my-project",
        service_account_info=key_json,  # text or object, an output or not; kept secret all the way
    )
    target = BigQueryTargetConfigsBlock(
        "bigquery-target-configs",
        block_name="bigquery-target-configs-dev",
        project="my-project", schema="my_project_dev", threads=4,
        credentials=credentials.ref,
        extras={"location": "EU"},
    )
    DbtCliProfileBlock(
        "dbt-cli-profile",
        block_name="dbt-cli-profile-dev",
        profile="projet_m2_bi", target="dev", target_configs=target.ref,
    )
    PrefectBlock("hook", block_type="slack-webhook", block_name="alerts", data={"url": secret_url})

All take `adopt=True` to take over a block that exists, and `opts`. `.ref` refers to a block, `.id` is its
document's id, `.block_name` its name. Prefect is at the stack's `prefect:apiUrl`, with
the secret `prefect:apiKey` or `prefect:authString`, else where Prefect's own settings say: PREFECT_API_URL, a
profile … docs/provider.md has more.

`WorkPool`, `WorkQueue`, `Deployment`, `Flow`, `GlobalConcurrencyLimit`, `TaskRunConcurrencyLimit`,
`Variable`, `Automation`, `BlockType`, `Webhook` and `ServiceLevelAgreements` are other objects, and
`ExistingBlock` is a block that somebody else made: docs/prefect-objects.md.
"""

from __future__ import annotations

from providers.resources import (
    Automation,
    BigQueryTargetConfigsBlock,
    BlockType,
    DbtCliProfileBlock,
    Deployment,
    ExistingBlock,
    Flow,
    GcpCredentialsBlock,
    GlobalConcurrencyLimit,
    PrefectBlock,
    ServiceLevelAgreements,
    TaskRunConcurrencyLimit,
    Variable,
    Webhook,
    WorkPool,
    WorkQueue,
)

__all__ = [
    "Automation",
    "BigQueryTargetConfigsBlock",
    "BlockType",
    "DbtCliProfileBlock",
    "Deployment",
    "ExistingBlock",
    "Flow",
    "GcpCredentialsBlock",
    "GlobalConcurrencyLimit",
    "PrefectBlock",
    "ServiceLevelAgreements",
    "TaskRunConcurrencyLimit",
    "Variable",
    "Webhook",
    "WorkPool",
    "WorkQueue",
]
