"""The kinds of objects by the names that states hold: never rename one."""

from __future__ import annotations

from providers.kinds.automation import Automations
from providers.kinds.deployment import Deployments
from providers.kinds.existing_block import ExistingBlocks
from providers.kinds.global_concurrency_limit import GlobalConcurrencyLimits
from providers.kinds.kind import Kind
from providers.kinds.variable import Variables
from providers.kinds.work_pool import WorkPools

KINDS: dict[str, Kind] = {
    "automation": Automations(),
    "deployment": Deployments(),
    "existing-block": ExistingBlocks(),
    "global-concurrency-limit": GlobalConcurrencyLimits(),
    "variable": Variables(),
    "work-pool": WorkPools(),
}
