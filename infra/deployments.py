"""When and where the pipeline runs: a work pool and a deployment of the flow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pulumi

from infra.blocks import Blocks
from infra.identity import Identity
from infra.settings import Settings
from providers import Deployment, GlobalConcurrencyLimit, WorkPool
from providers.catalog.job_templates import filled

FLOW = "pipeline-dbt-complet"
# By its module: by its file, Prefect would put flows/ on the path, where profile.py hides Python's own.
ENTRYPOINT = "flows.pipeline.dbt_full_pipeline"
# A run of dbt with its Python libraries needs this much, and may take this long: Cloud Run's own default is
# 512Mi and 600 s, and the worker's template allows for a day.
CLOUD_RUN = {"memory": "2Gi", "timeout": 86_400}
# Prefect's own queue is of the deployment's runs alone. Somebody's run from the command line ends before the
# night's run has waited so long for the target; if not, that run fails, which is told.
WAIT_SECONDS = 3600
PROJECT = Path(__file__).parent.parent
PARAMETERS = Path(__file__).parent / "parameters.json"


class Deployments(pulumi.ComponentResource):
    """Owns work pool, deployment and global concurrency limit of an environment, each named `dbt-<env>`.

    Their names are the stack's, so what bears one is taken over: a worker may have made the pool, a run of
    the flow the limit, of which each run holds the only slot. At most one run of the target works at a time;
    the deployment's others wait. Does not own the flow in Prefect, which keeps the history of its runs, nor
    the workers: the stack's output `startAWorker` starts one.
    """

    def __init__(
        self,
        name: str,
        settings: Settings,
        identity: Identity,
        blocks: Blocks,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("projet-m2-bi:infra:Deployments", name, None, opts)
        environment = settings.environment
        self.work_pool = WorkPool(
            "work-pool",
            name=f"dbt-{environment}",
            type=settings.work_pool_type,
            base_job_template=filled(
                settings.work_pool_type, job_values(settings, identity.account.email, blocks.credentials.ref)
            ),
            description=f"Runs dbt for {environment}.",
            adopt=True,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.limit = GlobalConcurrencyLimit(
            "limit",
            name=f"dbt-{environment}",
            limit=1,
            # Switched off, it would let two runs write the same tables.
            manage_state=True,
            adopt=True,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.deployment = Deployment(
            "deployment",
            name=f"dbt-{environment}",
            flow_name=FLOW,
            entrypoint=ENTRYPOINT,
            work_pool=self.work_pool,
            parameters={"target": environment, "wait_seconds": WAIT_SECONDS},
            parameter_openapi_schema=parameter_schema(environment),
            schedules=schedules(settings),
            manage_schedule_state=settings.manage_schedule_state,
            concurrency_limit=1,
            collision_strategy="ENQUEUE",
            tags=["dbt", environment],
            description=f"Builds and tests every table of {environment}.",
            adopt=True,
            # A run needs all that its blocks lead to.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[blocks]),
        )
        #: What a trigger says to hear of each of this deployment's runs, and of no others.
        self.each_run: dict[str, Any] = {
            "type": "event",
            "match": {"prefect.resource.id": "prefect.flow-run.*"},
            "match_related": {
                "prefect.resource.role": "deployment",
                "prefect.resource.id": pulumi.Output.concat("prefect.deployment.", self.deployment.id),
            },
            "for_each": ["prefect.resource.id"],
            "threshold": 1,
        }
        self.register_outputs({"deployment": f"{FLOW}/dbt-{environment}"})


def schedules(settings: Settings) -> dict[str, Any]:
    """The schedule that the settings name, if they name one."""
    if not settings.schedule:
        return {}
    return {"scheduled": {"cron": settings.schedule, "timezone": settings.time_zone}}


def code_path(settings: Settings) -> str:
    """The project's directory on the worker's machine."""
    return settings.code_path or str(PROJECT)


def job_values(settings: Settings, service_account: Any, credentials: Any) -> dict[str, Any]:
    """What the work pool's job template says by default; images hold the project where they start.

    The labels of what costs money are the datasets' own.
    """
    container: dict[str, Any] = {"image": settings.image, "labels": settings.labels}
    match settings.work_pool_type:
        case "process":
            return {"working_dir": code_path(settings)}
        case "cloud-run-v2":
            return {
                **CLOUD_RUN,
                **container,
                "region": settings.region,
                "service_account_name": service_account,
                "credentials": credentials,
            }
        case "kubernetes":
            if settings.identity == "attached":
                container["service_account_name"] = settings.service_account
            return {**container, "namespace": settings.namespace}
        case _:
            return container


def parameter_schema(environment: str) -> dict[str, Any]:
    """The flow's parameters (`python -m flows.parameters` writes them), held to one target."""
    schema: dict[str, Any] = json.loads(PARAMETERS.read_text(encoding="utf-8"))
    schema["properties"]["target"] |= {"default": environment, "enum": [environment]}
    return schema
