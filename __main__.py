"""One environment: `pulumi up -s <env>` makes it, `pulumi destroy -s <env>` takes it away."""

from __future__ import annotations

import pulumi

from infra import settings
from infra.alerts import Alerts
from infra.blocks import Blocks
from infra.deployments import Deployments
from infra.identity import Identity
from infra.warehouse import Warehouse

config = settings.load()
warehouse = Warehouse("warehouse", config)
identity = Identity("identity", config, warehouse)
blocks = Blocks("blocks", config, warehouse, identity)
deployments = Deployments("deployments", config, identity, blocks)
Alerts("alerts", config, deployments)

pulumi.export("environment", config.environment)
pulumi.export("project", config.project)
pulumi.export("location", config.location)
pulumi.export("dataset", warehouse.dataset.dataset_id)
pulumi.export("rawDataset", warehouse.raw_dataset.dataset_id)
pulumi.export("serviceAccount", identity.account.email)
pulumi.export("gcpCredentialsBlock", blocks.credentials.block_name)
pulumi.export("bigqueryTargetConfigsBlock", blocks.target.block_name)
pulumi.export("dbtCliProfileBlock", blocks.profile.block_name)
pulumi.export("workPool", deployments.work_pool.name)
pulumi.export("deployment", deployments.deployment.name)
pulumi.export("startAWorker", f"prefect worker start --pool dbt-{config.environment}")
pulumi.export("runTheDeployment", f"prefect deployment run pipeline-dbt-complet/dbt-{config.environment}")
pulumi.export("runTheFlow", f"python -m flows.pipeline --target {config.environment}")
