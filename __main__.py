"""One environment: `pulumi up -s <env>` makes it, `pulumi destroy -s <env>` takes it away."""

from __future__ import annotations

import pulumi

from infra.apis import Apis, ApisArgs
from infra.automations import Alerts, AutomationsArgs, LostRuns
from infra.blocks import Blocks, BlocksArgs
from infra.checkout import commit
from infra.deployments import Deployments, DeploymentsArgs, Place
from infra.guard import Guard, GuardArgs
from infra.identity import Identity, IdentityArgs
from infra.job_secrets import no_key_in_clear
from infra.outputs.stack import Parts, keeping_switches, outputs, take_away
from infra.settings import load, place, secret_variables
from infra.settings.groups.dbt_project import profile
from infra.settings.project import ROOT
from infra.warehouse import Warehouse, WarehouseArgs
from infra.workers import Workers, WorkersArgs

settings = load()
no_key_in_clear(settings)
names, datasets = settings.names, settings.all_datasets

apis = Apis("apis", ApisArgs(settings.project, settings.google_apis))
warehouse = Warehouse(
    "warehouse",
    WarehouseArgs(
        environment=settings.environment,
        datasets=datasets,
        project=settings.project,
        location=settings.location,
        labels=settings.labels,
        table_expiration_days=settings.table_expiration_days,
        delete_contents=settings.delete_contents_on_destroy,
        delete_raw_data=settings.delete_raw_data_on_destroy,
        drop_on_update=settings.drop_on_update,
        api_endpoint=settings.api_endpoint,
    ),
    apis.services,
)
identity = Identity(
    "identity",
    IdentityArgs(
        project=settings.project,
        jobs_project=settings.jobs_project,
        account=names.pipeline,
        environment=settings.environment,
        datasets=datasets,
        ids=warehouse.ids,
        project_metadata=settings.project_metadata,
        way=settings.identity,
        impersonators=settings.impersonators,
        key_rotation=settings.key_rotation,
    ),
    apis.services,
)
blocks = Blocks(
    "blocks",
    BlocksArgs(
        names=names,
        project=settings.project,
        dataset=warehouse.ids["dataset"],
        threads=settings.threads,
        profile=profile(settings.dbt_project_dir),
        profile_extras=settings.profile_extras,
        dbt_sign_in=identity.dbt_sign_in,
        service_account_info=identity.service_account_info,
        flow_extras=settings.flow_extras,
        variables=settings.dbt_environment,
        secret_variables=secret_variables(settings),
    ),
)
deployments = Deployments(
    "deployments",
    DeploymentsArgs(
        names=names,
        place=Place(
            settings.work_pool_type,
            code_path=settings.code_path,
            repository=settings.code_repository,
            commit=commit(ROOT) if settings.code_repository else "",
            access_block=settings.code_access_block,
            image=settings.image,
            labels=settings.labels,
            region=settings.region,
            namespace=settings.namespace,
            account=identity.account.email,
            account_of_pods=settings.account_of_pods,
            credentials=blocks.credentials.ref,
            secrets={name: secret.reference for name, secret in settings.job_secrets.items()},
        ),
        schedule=settings.main_schedule,
        further=settings.deployments,
        manage_schedule_state=settings.manage_schedule_state,
        variables=settings.flow_environment,
        adopt=settings.adopt,
    ),
    [blocks],
)
alert_setting = place(settings.environment, "alertBlock")
automations = AutomationsArgs(names, deployments.each_run, settings.alert_block, alert_setting)
lost_runs = LostRuns("lost-runs", automations)
workers = Workers(
    "workers",
    WorkersArgs(
        project=settings.project,
        account=identity.account.name,
        account_email=identity.account.email,
        pipeline=names.pipeline,
        secrets=settings.job_secrets.values(),
        members=settings.workers,
        pods=settings.pods,
    ),
    apis.services,
)
alerts = Alerts("alerts", automations)
parts = Parts(warehouse, identity, blocks, deployments, lost_runs, alerts)
Guard(
    "guard",
    GuardArgs(
        settings.environment,
        switches=keeping_switches(settings),
        take_away=take_away(settings),
        keeps=[warehouse, identity, blocks, deployments, lost_runs, workers, alerts],
    ),
)

for name, value in outputs(settings, parts).items():
    pulumi.export(name, value)
