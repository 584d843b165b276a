"""What a stack tells: names, the commands to use them, and the pages to look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from infra.automations import Alerts, LostRuns
from infra.blocks import Blocks
from infra.deployments import FLOW, Deployments
from infra.identity import Identity
from infra.outputs.pages import bigquery_page, object_page, prefect_api, prefect_page, service_account_page
from infra.settings import Settings
from infra.warehouse import Warehouse, switch


@dataclass(frozen=True)
class Parts:
    """What has been declared."""

    warehouse: Warehouse
    identity: Identity
    blocks: Blocks
    deployments: Deployments
    lost_runs: LostRuns
    alerts: Alerts


def outputs(settings: Settings, parts: Parts) -> dict[str, Any]:
    """Return all outputs of the stack, by name."""
    blocks, deployments, names = parts.blocks, parts.deployments, settings.names
    endpoint = settings.api_endpoint
    main, raw = settings.all_datasets[:2]
    alerts = parts.alerts.automation
    prefix = "".join(f"{name}={value} " for name, value in settings.flow_environment.items())
    found = {
        "environment": settings.environment,
        "project": settings.project,
        "location": settings.location,
        "dataset": parts.warehouse.ids[main.key],
        "rawDataset": parts.warehouse.ids[raw.key],
        "identity": settings.identity,
        "serviceAccount": parts.identity.account.email,
        "gcpCredentialsBlock": blocks.credentials.block_name,
        "bigqueryTargetConfigsBlock": blocks.target.block_name,
        "dbtCliProfileBlock": blocks.profile.block_name,
        "dbtCliGlobalConfigsBlock": blocks.global_configs.block_name if blocks.global_configs else None,
        "workPool": deployments.work_pool.name,
        "deployment": deployments.deployment.name,
        "globalConcurrencyLimit": deployments.limit.name,
        "alerts": alerts.name if alerts else None,
        "alertBlock": settings.alert_block or None,
        "lostRuns": parts.lost_runs.automation.name,
        # Without its flag, a worker makes a pool that was destroyed anew, from a template of its own.
        "startAWorker": f"prefect worker start --pool {names.pipeline} --no-create-pool-if-not-found",
        "runTheDeployment": f"prefect deployment run {FLOW}/{names.pipeline}",
        "bigqueryPage": bigquery_page(settings.project, main.dataset_id, endpoint),
        "rawDatasetPage": bigquery_page(settings.project, raw.dataset_id, endpoint),
        "serviceAccountPage": service_account_page(
            settings.project, parts.identity.account.unique_id, endpoint
        ),
        "prefectApi": prefect_api(),
        "prefectPage": prefect_page(),
        "workPoolPage": object_page("work-pool", deployments.work_pool.name),
        "deploymentPage": object_page("deployment", deployments.deployment.id),
        "alertsPage": object_page("automation", alerts.id) if alerts else None,
        "lostRunsPage": object_page("automation", parts.lost_runs.automation.id),
        "runTheFlow": f"{prefix}python -m flows.pipeline --target {settings.environment}",
        "takeAway": take_away(settings),
    }
    # As long as there are none, these have nothing to tell.
    if others := settings.all_datasets[2:]:
        found["datasets"] = {one.key: f"{one.project}.{one.dataset_id}" for one in others}
    if deployments.further:
        found["deployments"] = {name: one.name for name, one in deployments.further.items()}
    return found


def keeping_switches(settings: Settings) -> list[str]:
    """Return the settings that are false, and by that keep tables that the stack's datasets hold."""
    may = {
        "deleteContentsOnDestroy": settings.delete_contents_on_destroy,
        "deleteRawDataOnDestroy": settings.delete_raw_data_on_destroy,
    }
    held = {switch(dataset) for dataset in settings.all_datasets if dataset.made}
    return [name for name, allowed in may.items() if name in held and not allowed]


def take_away(settings: Settings) -> str:
    """The commands that take the environment away. A protected one asks for a deliberate step before."""
    stack = settings.environment
    destroy = f"pulumi destroy -s {stack}"
    if not (switches := keeping_switches(settings)):
        return destroy
    allow = [f"pulumi config set {name} true -s {stack}" for name in switches]
    return " && ".join([*allow, f"pulumi up -s {stack}", destroy])
