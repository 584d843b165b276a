"""A stack's settings: names, types, defaults and what each is for, declared here and nowhere else.

`Pulumi.yaml` and `docs/settings.md` are written from this by `python -m infra.settings --write`.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from infra.settings.groups import code, running, secrets, sign_in
from infra.settings.groups import datasets as data
from infra.settings.groups.dbt_environment import Variables
from infra.settings.groups.dbt_profile import Profile
from infra.settings.groups.dbt_project import check_dbt_project_dir
from infra.settings.groups.further_deployments import FurtherDeployments, Schedule
from infra.settings.groups.locations import check_location
from infra.settings.names import Names, check_prefix
from infra.settings.values import AS_WRITTEN

# https://cloud.google.com/resource-manager/docs/creating-managing-projects
PROJECT = r"^[a-z][a-z0-9-]{4,28}[a-z0-9]$"
# https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names
NAMESPACE_OF_PODS = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
# Part of names: a service account's `dbt-<env>` holds 30 characters, a block's name small letters and dashes.
ENVIRONMENT = r"^[a-z][a-z0-9-]{0,24}[a-z0-9]$"
# Not settings of this project's: the stack's name, and two of the provider's.
GIVEN = ("environment", "project", "bigquery_endpoint")


class Settings(BaseModel):
    """What one environment is made of."""

    model_config = AS_WRITTEN

    environment: Annotated[str, StringConstraints(pattern=ENVIRONMENT)]
    project: Annotated[str, StringConstraints(pattern=PROJECT)]
    bigquery_endpoint: str | None = None

    location: Annotated[str, AfterValidator(check_location)] = Field(
        "EU",
        description="BigQuery location of the datasets and of dbt's jobs, such as EU, US or europe-west1.",
    )
    dataset: data.Main = Field(
        "",
        validate_default=True,
        description="Dataset that dbt writes to. When empty, the project id with _ for - and then _<env>. "
        "Raw data goes to <dataset>_raw.",
    )
    datasets: data.Written = Field(
        [],
        description="Further datasets that dbt writes to, made as the main one is: `_staging` for "
        "<dataset>_staging, or a whole name.",
    )
    read_datasets: data.Read = Field(
        [],
        description="Datasets that dbt only reads, beside <dataset>_raw: `_landing` for <dataset>_landing, "
        "a whole name, or `project.name`. They are granted, never made.",
    )
    existing_datasets: data.Existing = Field(
        [],
        description="Of the datasets that the stack would make, those that exist already, whole name or "
        "`_raw`: they are granted, and never made, changed or dropped.",
    )
    granting_datasets: data.Granting = Field(
        [],
        description="Datasets in which dbt itself gives access (`+grants`, `grant_access_to`, GRANT in a "
        "hook): dbt's account becomes roles/bigquery.dataOwner of these, and of nothing else.",
    )
    project_metadata: bool = Field(
        default=False,
        description="Whether dbt's account sees the names and columns of all datasets of the project, as "
        "roles/bigquery.metadataViewer, for macros that read the whole project's INFORMATION_SCHEMA.",
    )
    delete_contents_on_destroy: bool = Field(
        default=False,
        description="Whether `pulumi destroy` drops the datasets that dbt writes to, and their tables; if "
        "not, they are protected, and it refuses.",
    )
    delete_raw_data_on_destroy: bool = Field(
        default=False,
        description="The same for the dataset of raw data, which dbt can't build again.",
    )
    drop_on_update: data.Dropped = Field(
        [],
        description="Datasets that the next `pulumi up` may drop with their tables, each as "
        "`name@LOCATION`, because another name or location takes their place. Any other that "
        "holds tables stays.",
    )
    table_expiration_days: Annotated[int, Field(ge=0, le=3650)] = Field(
        0,
        description="Days after which BigQuery drops a table that dbt has built, counted from its creation, "
        "1 to 3650; 0 for never. Incremental models and snapshots, which dbt does not create "
        "anew, start again then, without their history. Raw data stays.",
    )

    dbt_project_dir: Annotated[str, AfterValidator(check_dbt_project_dir)] = Field(
        "dbt",
        validate_default=True,
        description="Directory of the dbt project, from that of Pulumi.yaml.",
    )
    threads: Annotated[int, Field(ge=1, le=64)] = Field(
        1,
        description="Models that dbt builds at the same time, 1 to 64.",
    )
    job_timeout_seconds: Annotated[int, Field(ge=1, le=21_600)] = Field(
        600,
        description="Seconds after which dbt gives up a BigQuery job, 1 to 21600.",
    )
    job_retries: Annotated[int, Field(ge=0, le=10)] = Field(
        1,
        description="Times that dbt tries a failed BigQuery job again, 0 to 10.",
    )
    maximum_bytes_billed: Annotated[int, Field(ge=0)] = Field(
        0,
        description="Bytes above which BigQuery refuses a query of dbt's; 0 for no limit.",
    )
    dbt_profile: Profile = Field(
        {},
        description="Further settings of dbt-bigquery's profile, such as `execution_project`, `priority`, "
        "`compute_region` or `reservation`, by dbt's own names.",
    )
    dbt_environment: Variables = Field(
        {},
        description="Variables that `env_var` finds in a run of dbt. They are kept in a secret block, and "
        "in the deployment nowhere.",
    )
    seeds: bool = Field(default=True, description="Whether a run of the flow loads the seeds.")
    snapshots: bool = Field(default=True, description="Whether a run of the flow takes the snapshots.")
    unit_tests: bool = Field(
        default=True,
        description="Whether a run of the flow runs dbt's unit tests, which say nothing about the data.",
    )
    freshness: bool = Field(
        default=False,
        description="Whether a run of the flow first asks how old the raw data is, and stops if it is too "
        "old.",
    )
    show_failing_rows: bool = Field(
        default=False,
        description="Whether Prefect's page about a run shows rows that a failed test found, to all who may "
        "see the workspace.",
    )

    schedule: Annotated[str, AfterValidator(running.check_schedule)] = Field(
        "",
        description="Cron line by which the pipeline runs, such as 0 2 * * *; none when empty.",
    )
    time_zone: Annotated[str, AfterValidator(running.check_time_zone)] = Field(
        "UTC",
        description="Time zone of the schedule, such as Europe/Paris.",
    )
    deployments: FurtherDeployments = Field(
        [],
        description="Further deployments dbt-<env>-<name>, each with `name` and, as needed, `select`, "
        "`exclude`, `parameters` of the flow, and `schedules` of `cron`, `timeZone` and "
        "`parameters`.",
    )
    manage_schedule_state: Annotated[bool, AfterValidator(running.check_manage_schedule_state)] = Field(
        default=False,
        description="Whether `pulumi up` switches a schedule on again that was paused in Prefect's page.",
    )
    name_prefix: Annotated[str, AfterValidator(check_prefix)] = Field(
        "",
        description="Beginning of all names in Prefect and of the service account's, for several teams in "
        "one workspace or Google project; flows need STACK_NAME_PREFIX then.",
    )
    work_pool_type: Annotated[str, AfterValidator(running.check_work_pool_type)] = Field(
        "process",
        description="Where runs work: process, docker, kubernetes or cloud-run-v2.",
    )
    code_repository: Annotated[str, AfterValidator(code.check_repository)] = Field(
        "",
        description="Address of this project's git repository, such as https://github.com/me/flights.git: "
        "each run clones it at the commit that `pulumi up` ran at; for a process work pool without "
        "`codePath`.",
    )
    code_access_block: Annotated[str, AfterValidator(code.check_access_block)] = Field(
        "",
        description="Prefect block that opens a private `codeRepository`, as <type>/<name>: a secret that "
        "holds a token, or such as github-credentials/mine.",
    )
    code_path: Annotated[str, AfterValidator(code.check_path)] = Field(
        "",
        validate_default=True,
        description="Absolute directory of this project on the workers' machine; required for a process work "
        "pool, but with `codeRepository` and on the embedded platform, where it is that of `pulumi up`.",
    )
    image: Annotated[str, AfterValidator(running.check_image)] = Field(
        "",
        validate_default=True,
        description="Container image of runs; required for all work pools but process.",
    )
    region: Annotated[str, AfterValidator(running.check_region)] = Field(
        "",
        validate_default=True,
        description="Google Cloud region of runs, such as europe-west1; required for cloud-run-v2.",
    )
    namespace: Annotated[
        str, StringConstraints(pattern=NAMESPACE_OF_PODS), AfterValidator(running.check_namespace)
    ] = Field("default", description="Namespace of the pods of a kubernetes work pool.")
    workers: sign_in.Workers = Field(
        [],
        description="Who may start runs on Cloud Run when `workPoolType` is `cloud-run-v2`, the identities "
        "of Prefect's workers, such as serviceAccount:EMAIL.",
    )
    prefect_api_key_secret: Annotated[str, AfterValidator(secrets.check_api_key)] = Field(
        "",
        description="Secret of Secret Manager with Prefect's API key, such as prefect-api-key or "
        "projects/other/secrets/prefect-api-key:3, for jobs on Cloud Run; required there where Prefect wants "
        "a key. dbt's service account may read it.",
    )
    prefect_auth_string_secret: Annotated[str, AfterValidator(secrets.check_auth_string)] = Field(
        "",
        description="The same for the user:password of a Prefect server.",
    )
    alert_block: Annotated[str, AfterValidator(running.check_alert_block)] = Field(
        "",
        description="Prefect block that hears of failed, crashed and late runs of the deployments, as "
        "<type>/<name>, such as slack-webhook/on-call; none when empty.",
    )

    identity: sign_in.Way = Field(
        "key",
        validate_default=True,
        description="Who dbt is in BigQuery, and how it signs in, see docs/identity.md; `key`, "
        "`impersonation` or `attached`.",
    )
    impersonators: sign_in.Impersonators = Field(
        [],
        validate_default=True,
        description="Who may act as dbt's service account when `identity` is `impersonation`, such as "
        "user:NAME@example.com or serviceAccount:EMAIL; when empty, whoever brings the stack up first.",
    )
    key_rotation: sign_in.KeyRotation = Field(
        "",
        description="Any text, such as 2026-Q4, when `identity` is `key`; a new text makes a new key, puts "
        "it in the block, then removes the old one.",
    )
    enable_apis: bool = Field(
        default=False,
        description="Whether `pulumi up` switches on the Google APIs that it needs; it never switches one "
        "off.",
    )
    adopt: bool = Field(
        default=False,
        description="Whether the work pool, deployments and concurrency limit of these names are taken "
        "over from whoever made them: their settings are replaced, and `pulumi destroy` deletes them.",
    )

    @property
    def names(self) -> Names:
        """What everything of the environment is called."""
        return Names(self.environment, self.name_prefix)

    @property
    def all_datasets(self) -> list[data.Dataset]:
        """The main dataset, the raw one, and those that the settings add."""
        return data.of(
            self.dataset,
            self.project,
            written=self.datasets,
            read=self.read_datasets,
            existing=self.existing_datasets,
            granting=self.granting_datasets,
        )

    @property
    def labels(self) -> dict[str, str]:
        """What Google Cloud's bill tells the environment by: datasets and the jobs of runs have them."""
        return {"environment": self.environment, "managed-by": "pulumi"}

    @property
    def api_endpoint(self) -> str | None:
        """What dbt-bigquery calls `api_endpoint`: the custom endpoint without the API's own path."""
        if self.bigquery_endpoint is None:
            return None
        return self.bigquery_endpoint.rstrip("/").removesuffix("/bigquery/v2")

    @property
    def profile_extras(self) -> dict[str, Any]:
        """What dbt's target says beside project, dataset, threads and sign-in, in dbt-bigquery's words."""
        extras: dict[str, Any] = {
            "location": self.location,
            "job_execution_timeout_seconds": self.job_timeout_seconds,
            "job_retries": self.job_retries,
        }
        if self.maximum_bytes_billed:
            extras["maximum_bytes_billed"] = self.maximum_bytes_billed
        if self.api_endpoint:
            extras["api_endpoint"] = self.api_endpoint
        return extras | self.dbt_profile

    @property
    def jobs_project(self) -> str:
        """The Google project that dbt's jobs run in, and are billed to."""
        return str(self.dbt_profile.get("execution_project") or self.project)

    @property
    def google_apis(self) -> tuple[str, ...]:
        """The Google APIs to switch on, without `.googleapis.com`; none where that is left to others."""
        if not self.enable_apis:
            return ()
        keyless = ("iamcredentials",) if self.identity == "impersonation" else ()
        runs = ("run",) if self.work_pool_type == "cloud-run-v2" else ()
        reads = ("secretmanager",) if self.job_secrets else ()
        return ("bigquery", "cloudresourcemanager", "iam", *keyless, *runs, *reads)

    @property
    def job_secrets(self) -> dict[str, secrets.Secret]:
        """The secrets that a job on Cloud Run reads, by the name that Prefect's job template has for each."""
        named = {
            "prefect_api_key_secret": secrets.parsed(self.prefect_api_key_secret),
            "prefect_api_auth_string_secret": secrets.parsed(self.prefect_auth_string_secret),
        }
        return {name: secret for name, secret in named.items() if secret}

    @property
    def main_schedule(self) -> Schedule | None:
        """When the environment's own deployment runs by itself."""
        return Schedule(cron=self.schedule, time_zone=self.time_zone) if self.schedule else None

    @property
    def account_of_pods(self) -> str | None:
        """The Kubernetes service account of pods, of the same name as dbt's, where pods are given that."""
        given = self.work_pool_type == "kubernetes" and self.identity == "attached"
        return self.names.pipeline if given else None

    @property
    def pods(self) -> str:
        """The same with its namespace, as Google knows it; empty where there is none."""
        return f"{self.namespace}/{self.account_of_pods}" if self.account_of_pods else ""

    @property
    def flow_extras(self) -> dict[str, Any]:
        """What the flow does for this stack otherwise than by default."""
        told = ("seeds", "snapshots", "unit_tests", "freshness", "show_failing_rows", "dbt_project_dir")
        chosen = {name: getattr(self, name) for name in told}
        extras = {
            name: value for name, value in chosen.items() if value != type(self).model_fields[name].default
        }
        directory = extras.pop("dbt_project_dir", None)
        return extras | ({"project_dir": directory} if directory else {})

    @property
    def flow_environment(self) -> dict[str, str]:
        """The variables by which flows know what is not as usual before they have read a block."""
        return {"STACK_NAME_PREFIX": self.name_prefix} if self.name_prefix else {}
