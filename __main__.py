"""One environment: `pulumi up -s <env>` makes it, `pulumi destroy -s <env>` takes it away."""

from __future__ import annotations

import pulumi

from infra import settings
from infra.alerts import Alerts
from infra.apis import Apis
from infra.blocks import Blocks
from infra.deployments import Deployments
from infra.identity import Identity
from infra.lost_runs import LostRuns
from infra.pages import bigquery_page, how_to_destroy, prefect_api, prefect_page
from infra.warehouse import Warehouse
from infra.workers import Workers

config = settings.load()
apis = Apis("apis", config)
warehouse = Warehouse("warehouse", config, apis.services)
identity = Identity("identity", config, warehouse, apis.services)
blocks = Blocks("blocks", config, warehouse, identity)
deployments = Deployments("deployments", config, identity, blocks)
lost_runs = LostRuns("lost-runs", config, deployments)
Workers("workers", config, identity)
alerts = Alerts("alerts", config, deployments)

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
pulumi.export("alerts", alerts.automation.name if alerts.automation else None)
pulumi.export("lostRuns", lost_runs.automation.name)
pulumi.export("startAWorker", f"prefect worker start --pool dbt-{config.environment}")
pulumi.export("runTheDeployment", f"prefect deployment run pipeline-dbt-complet/dbt-{config.environment}")
pulumi.export("bigqueryPage", bigquery_page(config))
pulumi.export("prefectApi", prefect_api())
pulumi.export("prefectPage", prefect_page())
pulumi.export(
    "deploymentPage",
    pulumi.Output.concat(prefect_page(), "/deployments/deployment/", deployments.deployment.id),
)
pulumi.export("runTheFlow", f"python -m flows.pipeline --target {config.environment}")
pulumi.export("takeAway", how_to_destroy(config))
