"""The kinds of objects by the names that states hold: never rename one."""

from __future__ import annotations

from providers.objects.automation import Automations
from providers.objects.deployment import Deployments
from providers.objects.existing_block import ExistingBlocks
from providers.objects.global_concurrency_limit import GlobalConcurrencyLimits
from providers.objects.kind import Kind
from providers.objects.variable import Variables
from providers.objects.work_pool import WorkPools

KINDS: dict[str, Kind] = {
    "automation": Automations(),
    "deployment": Deployments(),
    "existing-block": ExistingBlocks(),
    "global-concurrency-limit": GlobalConcurrencyLimits(),
    "variable": Variables(),
    "work-pool": WorkPools(),
}
