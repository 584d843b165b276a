"""What programs declare: every Pulumi class of this package."""

from __future__ import annotations

from providers.engine.refusal import Refusal
from providers.kinds.automation import Automation
from providers.kinds.block import PrefectBlock
from providers.kinds.block_type import BlockType
from providers.kinds.dbt_blocks import BigQueryTargetConfigsBlock, DbtCliProfileBlock, GcpCredentialsBlock
from providers.kinds.deployment import Deployment
from providers.kinds.deployment_slas import ServiceLevelAgreements
from providers.kinds.existing_block import ExistingBlock
from providers.kinds.flow import Flow
from providers.kinds.global_concurrency_limit import GlobalConcurrencyLimit
from providers.kinds.task_run_concurrency_limit import TaskRunConcurrencyLimit
from providers.kinds.variable import Variable
from providers.kinds.webhook import Webhook
from providers.kinds.work_pool import WorkPool
from providers.kinds.work_queue import WorkQueue

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
    "Refusal",
    "ServiceLevelAgreements",
    "TaskRunConcurrencyLimit",
    "Variable",
    "Webhook",
    "WorkPool",
    "WorkQueue",
]
