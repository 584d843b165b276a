"""When and where the pipeline runs: a work pool and the deployments of the flow."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi

from infra.component import Component
from infra.settings import Names
from infra.settings.groups.further_deployments import FurtherDeployment, Schedule
from providers import Deployment, GlobalConcurrencyLimit, WorkPool
from providers.catalog.job_templates import filled

FLOW = "pipeline-dbt-complet"
# By its module: by its file, Prefect would put flows/ on the path, where profile.py hides Python's own.
ENTRYPOINT = "flows.pipeline.dbt_full_pipeline"
# In a clone, made when Python runs already, it can't be imported by its module's name.
ENTRYPOINT_IN_A_CLONE = "flows/pipeline.py:dbt_full_pipeline"
# A run of dbt with its Python libraries needs this much, and may take this long: Cloud Run's own default is
# 512Mi and 600 s, and the worker's template allows for a day.
CLOUD_RUN = {"memory": "2Gi", "timeout": 86_400}
# Prefect's own queue is of the deployment's runs alone. Somebody's run from the command line ends before the
# night's run has waited so long for the target; if not, that run fails, which is told.
WAIT_SECONDS = 3600
PROJECT = Path(__file__).parent.parent
PARAMETERS = Path(__file__).parent / "parameters.json"


@dataclass(frozen=True)
class Place:
    """Where runs work, and as whom.

    Attributes:
        type: the work pool's type, which the workers have too.
        code_path: the project's directory on the workers' machine, for a process work pool.
        repository: the one from which each of its runs clones the project instead.
        commit: of that.
        access_block: the block that opens it, as `<type>/<name>`.
        image: the container of the others.
        labels: of containers, pods and jobs, as of the datasets.
        region: of Cloud Run.
        namespace: of pods.
        account: dbt's service account, where machines are given it.
        credentials: the block by which a worker starts jobs in Google Cloud.
        secrets: what jobs on Cloud Run read of Secret Manager, in the job template's words.
    """

    type: str
    code_path: str = ""
    repository: str = ""
    commit: str = ""
    access_block: str = ""
    image: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    region: str = ""
    namespace: str = ""
    account: pulumi.Input[str] = ""
    account_of_pods: str | None = None
    credentials: Any = None
    secrets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def values(self) -> dict[str, Any]:
        """Return what the pool's job template says by default; images hold the project where they start."""
        container: dict[str, Any] = {"image": self.image, "labels": dict(self.labels)}
        match self.type:
            case "process" if self.repository:
                # Prefect makes a directory for each run.
                return {}
            case "process":
                return {"working_dir": self.code_path or str(PROJECT)}
            case "cloud-run-v2":
                return {
                    **CLOUD_RUN,
                    **container,
                    "region": self.region,
                    "service_account_name": self.account,
                    "credentials": self.credentials,
                    **self.secrets,
                }
            case "kubernetes":
                if self.account_of_pods:
                    container["service_account_name"] = self.account_of_pods
                return {**container, "namespace": self.namespace}
            case _:
                return container

    def code(self) -> dict[str, Any]:
        """Return where a run finds the flow, in the deployment's words."""
        if not self.repository:
            return {"entrypoint": ENTRYPOINT}
        step = {"repository": self.repository, "commit_sha": self.commit}
        if self.access_block:
            kind, _, name = self.access_block.partition("/")
            word = "access_token" if kind == "secret" else "credentials"
            step[word] = f"{{{{ prefect.blocks.{kind}.{name} }}}}"
        return {
            "entrypoint": ENTRYPOINT_IN_A_CLONE,
            "pull_steps": [{"prefect.deployments.steps.git_clone": step}],
        }


@dataclass(frozen=True)
class DeploymentsArgs:
    """What runs when.

    Attributes:
        names: what everything is called.
        place: where runs work.
        schedule: when the environment's own deployment runs, if by itself at all.
        further: the other deployments.
        manage_schedule_state: whether what was paused in Prefect's page is switched on again.
        variables: the environment of runs.
        adopt: whether what others have made of these names is taken over.
    """

    names: Names
    place: Place
    schedule: Schedule | None = None
    further: Sequence[FurtherDeployment] = ()
    manage_schedule_state: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)
    adopt: bool = False


class Deployments(Component):
    """Owns work pool, deployment and global concurrency limit of an environment, each named `dbt-<env>`.

    And further deployments, named `dbt-<env>-<name>`, in the same pool.

    Each run holds the only slot of the limit. At most one run of the target works at a time,
    whichever deployment it is of; others wait. Does not own the flow in Prefect, which keeps the history of
    its runs, nor the workers: the stack's output `startAWorker` starts one.

    Attributes:
        deployment: the environment's own.
        further: the others, by name.
        each_run: what a trigger says to hear of each run of these deployments, and of no others.
    """

    def __init__(
        self,
        name: str,
        args: DeploymentsArgs,
        after: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        environment, pipeline = args.names.environment, args.names.pipeline
        self.work_pool = WorkPool(
            "work-pool",
            name=pipeline,
            type=args.place.type,
            base_job_template=filled(args.place.type, args.place.values()),
            description=f"Runs dbt for {environment}.",
            adopt=args.adopt,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.limit = GlobalConcurrencyLimit(
            "limit",
            name=pipeline,
            limit=1,
            # Switched off, it would let two runs write the same tables.
            manage_state=True,
            adopt=args.adopt,
            opts=pulumi.ResourceOptions(parent=self),
        )
        schedule = {"scheduled": scheduled(args.schedule)} if args.schedule else {}
        self._args, self._after = args, after
        self.deployment = self._deployment(
            "deployment",
            name=pipeline,
            schedules=schedule,
            description=f"Builds and tests every table of {environment}.",
        )
        self.further = {
            one.name: self._deployment(
                f"deployment-{one.name}",
                name=args.names.deployment(one.name),
                schedules={f"scheduled-{i}": scheduled(at) for i, at in enumerate(one.schedules, 1)},
                description=description(one, environment),
                parameters=one.of_the_flow,
            )
            for one in args.further
        }
        ids = [self.deployment.id, *(one.id for one in self.further.values())]
        resources = [pulumi.Output.concat("prefect.deployment.", one) for one in ids]
        self.each_run: dict[str, Any] = {
            "type": "event",
            "match": {"prefect.resource.id": "prefect.flow-run.*"},
            "match_related": {
                "prefect.resource.role": "deployment",
                "prefect.resource.id": resources if self.further else resources[0],
            },
            "for_each": ["prefect.resource.id"],
            "threshold": 1,
        }
        self.register_outputs({"deployment": f"{FLOW}/{pipeline}"})

    def _deployment(
        self, resource: str, *, parameters: Mapping[str, Any] | None = None, **more: Any
    ) -> Deployment:
        args, environment = self._args, self._args.names.environment
        return Deployment(
            resource,
            flow_name=FLOW,
            **args.place.code(),
            work_pool=self.work_pool,
            parameters={"target": environment, "wait_seconds": WAIT_SECONDS, **(parameters or {})},
            parameter_openapi_schema=parameter_schema(environment),
            job_variables={"env": dict(args.variables)} if args.variables else None,
            manage_schedule_state=args.manage_schedule_state,
            concurrency_limit=1,
            collision_strategy="ENQUEUE",
            tags=["dbt", environment],
            adopt=args.adopt,
            # A run needs all that its blocks lead to.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*self._after]),
            **more,
        )


def scheduled(schedule: Schedule) -> dict[str, Any]:
    """Return a schedule in Prefect's words."""
    parameters = {"parameters": schedule.parameters} if schedule.parameters else {}
    return {"cron": schedule.cron, "timezone": schedule.time_zone, **parameters}


def description(deployment: FurtherDeployment, environment: str) -> str:
    """What Prefect's page says of a further deployment."""
    of_the_flow = deployment.of_the_flow
    chosen = [f"{name} {of_the_flow[name]}" for name in ("select", "exclude") if name in of_the_flow]
    return f"Builds and tests {', '.join(chosen) or 'every table'} of {environment}."


def parameter_schema(environment: str) -> dict[str, Any]:
    """The flow's parameters (`python -m flows.parameters` writes them), held to one target."""
    schema: dict[str, Any] = json.loads(PARAMETERS.read_text(encoding="utf-8"))
    schema["properties"]["target"] |= {"default": environment, "enum": [environment]}
    return schema
