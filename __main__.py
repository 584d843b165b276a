"""One environment: `pulumi up -s <env>` makes it, `pulumi destroy -s <env>` takes it away."""

from __future__ import annotations

import pulumi

from infra import settings
from infra.alerts import Alerts
from infra.apis import Apis
from infra.blocks import Blocks
from infra.deployments import Deployments
from infra.guard import Guard
from infra.identity import Identity
from infra.lost_runs import LostRuns
from infra.pages import (
    bigquery_page,
    how_to_destroy,
    object_page,
    prefect_api,
    prefect_page,
    service_account_page,
)
from infra.warehouse import Warehouse
from infra.workers import Workers

config = settings.load()
apis = Apis("apis", config)
warehouse = Warehouse("warehouse", config, apis.services)
identity = Identity("identity", config, warehouse, apis.services)
blocks = Blocks("blocks", config, warehouse, identity)
deployments = Deployments("deployments", config, identity, blocks)
lost_runs = LostRuns("lost-runs", config, deployments)
workers = Workers("workers", config, identity, apis.services)
alerts = Alerts("alerts", config, deployments)
Guard("guard", config, [warehouse, identity, blocks, deployments, lost_runs, workers, alerts])

pulumi.export("environment", config.environment)
pulumi.export("project", config.project)
pulumi.export("location", config.location)
pulumi.export("dataset", warehouse.dataset.dataset_id)
pulumi.export("rawDataset", warehouse.raw_dataset.dataset_id)
pulumi.export("identity", config.identity)
pulumi.export("serviceAccount", identity.account.email)
pulumi.export("gcpCredentialsBlock", blocks.credentials.block_name)
pulumi.export("bigqueryTargetConfigsBlock", blocks.target.block_name)
pulumi.export("dbtCliProfileBlock", blocks.profile.block_name)
pulumi.export("dbtCliGlobalConfigsBlock", blocks.global_configs.block_name if blocks.global_configs else None)
pulumi.export("workPool", deployments.work_pool.name)
pulumi.export("deployment", deployments.deployment.name)
pulumi.export("globalConcurrencyLimit", deployments.limit.name)
pulumi.export("alerts", alerts.automation.name if alerts.automation else None)
pulumi.export("alertBlock", config.alert_block or None)
pulumi.export("lostRuns", lost_runs.automation.name)
# Without its flag, a worker makes a pool that was destroyed anew, from a template of its own.
pulumi.export(
    "startAWorker", f"prefect worker start --pool dbt-{config.environment} --no-create-pool-if-not-found"
)
pulumi.export("runTheDeployment", f"prefect deployment run pipeline-dbt-complet/dbt-{config.environment}")
pulumi.export("bigqueryPage", bigquery_page(config, config.dataset))
pulumi.export("rawDatasetPage", bigquery_page(config, config.raw_dataset))
pulumi.export("serviceAccountPage", service_account_page(config, identity.account.unique_id))
pulumi.export("prefectApi", prefect_api())
pulumi.export("prefectPage", prefect_page())
pulumi.export("workPoolPage", object_page("work-pool", deployments.work_pool.name))
pulumi.export("deploymentPage", object_page("deployment", deployments.deployment.id))
pulumi.export("alertsPage", object_page("automation", alerts.automation.id) if alerts.automation else None)
pulumi.export("lostRunsPage", object_page("automation", lost_runs.automation.id))
pulumi.export("runTheFlow", f"python -m flows.pipeline --target {config.environment}")
pulumi.export("takeAway", how_to_destroy(config))
