"""A stack's settings, typed and checked before anything is planned."""

from __future__ import annotations

import re
from typing import Annotated, Any

import pulumi
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel

from infra.settings import sign_in, stack_file
from infra.settings.locations import check_location
from infra.settings.mixes import MIX
from infra.settings.running import (
    check_alert_block,
    check_code_path,
    check_image,
    check_manage_schedule_state,
    check_namespace,
    check_region,
    check_schedule,
    check_time_zone,
    check_work_pool_type,
)

NAMESPACE = "projet-m2-bi"
# https://cloud.google.com/bigquery/docs/datasets#dataset-naming, less room for `_raw`.
DATASET = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,1019}")
# https://cloud.google.com/resource-manager/docs/creating-managing-projects
PROJECT = r"^[a-z][a-z0-9-]{4,28}[a-z0-9]$"
# https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names
NAMESPACE_OF_PODS = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
# Part of names: a service account's `dbt-<env>` holds 30 characters, a block's name small letters and dashes.
ENVIRONMENT = r"^[a-z][a-z0-9-]{0,24}[a-z0-9]$"


def _check_dataset(value: str) -> str:
    if not DATASET.fullmatch(value):
        raise ValueError(
            f"{value!r} is no dataset name: letters, digits and _ only"
            + (f"; try {re.sub('[^A-Za-z0-9_]', '_', value)}" if value else "")
        )
    return value


class Settings(BaseModel):
    """What one environment is made of."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    environment: Annotated[str, StringConstraints(pattern=ENVIRONMENT)]
    project: Annotated[str, StringConstraints(pattern=PROJECT)]
    bigquery_endpoint: str | None = None
    location: Annotated[str, AfterValidator(check_location)] = "EU"
    dataset: Annotated[str, AfterValidator(_check_dataset)]
    threads: Annotated[int, Field(ge=1, le=64)] = 1
    job_timeout_seconds: Annotated[int, Field(ge=1, le=21_600)] = 600
    job_retries: Annotated[int, Field(ge=0, le=10)] = 1
    maximum_bytes_billed: Annotated[int, Field(ge=0)] = 0
    delete_contents_on_destroy: bool = False
    schedule: Annotated[str, AfterValidator(check_schedule)] = ""
    time_zone: Annotated[str, AfterValidator(check_time_zone)] = "UTC"
    manage_schedule_state: Annotated[bool, AfterValidator(check_manage_schedule_state)] = False
    work_pool_type: Annotated[str, AfterValidator(check_work_pool_type)] = "process"
    code_path: Annotated[str, AfterValidator(check_code_path), Field(validate_default=True)] = ""
    image: Annotated[str, AfterValidator(check_image), Field(validate_default=True)] = ""
    region: Annotated[str, AfterValidator(check_region), Field(validate_default=True)] = ""
    namespace: Annotated[
        str, StringConstraints(pattern=NAMESPACE_OF_PODS), AfterValidator(check_namespace)
    ] = "default"
    workers: sign_in.Workers = []
    alert_block: Annotated[str, AfterValidator(check_alert_block)] = ""
    identity: sign_in.Way = "key"
    impersonators: sign_in.Impersonators = []
    table_expiration_days: Annotated[int, Field(ge=0, le=3650)] = 0
    enable_apis: bool = False
    key_rotation: sign_in.KeyRotation = ""
    seeds: bool = True
    snapshots: bool = True
    unit_tests: bool = True
    freshness: bool = False
    show_failing_rows: bool = False

    @property
    def raw_dataset(self) -> str:
        """The dataset that raw data is loaded into; dbt only reads it."""
        return f"{self.dataset}_raw"

    @property
    def service_account(self) -> str:
        """The name of dbt's service account, in Google Cloud and, for pods, in Kubernetes."""
        return f"dbt-{self.environment}"

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


def load() -> Settings:
    """The settings of the stack that runs.

    Raises:
        pulumi.RunError: a setting is wrong, missing or unknown; the message names the file's line to change.
    """
    stack = pulumi.get_stack()
    file = stack_file.read(f"Pulumi.{stack}.yaml")
    google = pulumi.Config("gcp")
    project = google.get("project") or ""
    values: dict[str, Any] = {
        "environment": stack,
        "project": project,
        "bigqueryEndpoint": google.get("bigQueryCustomEndpoint"),
    }
    config = pulumi.Config(NAMESPACE)
    for name in _setting_names() | file.names(NAMESPACE):
        value = config.get(name)
        if value is not None and (name, value) != ("dataset", ""):
            values[name] = value
    values.setdefault("dataset", f"{project}_{stack}".replace("-", "_"))
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise pulumi.RunError(explain(error, stack, file)) from error


def explain(error: ValidationError, stack: str, file: stack_file.StackFile) -> str:
    """One line per mistake: where it is, what is wrong with it, and what to write instead."""
    lines = []
    for mistake in error.errors():
        # A default that does not do goes by its Python name.
        name = to_camel(str(mistake["loc"][0]))
        if name == "environment":
            lines.append(
                f"the stack's name {stack!r} is part of other names: 2 to 26 small letters, digits and dashes"
            )
            continue
        key = "gcp:project" if name == "project" else f"{NAMESPACE}:{name}"
        where = file.where(key)
        if mistake["type"] == MIX:
            lines.append(f"{where}: {mistake['msg'].replace('<stack>', stack)}")
        elif mistake["type"] == "extra_forbidden":
            lines.append(f"{where}: there is no such setting{_nearest(name)}")
        elif not mistake["input"]:
            why = str(mistake["msg"]).removeprefix("Value error, ")
            why = why if mistake["type"] == "value_error" else "it is missing"
            lines.append(f"{where}: {why}; set it with `pulumi config set {key} … -s {stack}`")
        else:
            lines.append(
                f"{where}: {mistake['msg'].removeprefix('Value error, ')} (found {mistake['input']!r})"
            )
    return "\n".join(["the stack's settings can't be used:", *(f"  {line}" for line in lines)])


def _setting_names() -> set[str]:
    inferred = {"environment", "project", "bigquery_endpoint"}
    return {to_camel(name) for name in Settings.model_fields if name not in inferred}


def _nearest(name: str) -> str:
    import difflib  # noqa: PLC0415 (only where there is a mistake)

    near = difflib.get_close_matches(name, _setting_names(), n=1)
    return (
        f"; did you mean {NAMESPACE}:{near[0]}?"
        if near
        else f"; there are: {', '.join(sorted(_setting_names()))}"
    )
