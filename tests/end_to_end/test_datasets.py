"""Datasets beside the main one, and what dbt gets on each: real engine, Prefect and dbt."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from tests.checkout import Checkout
from tests.end_to_end import keyless, servers
from tests.end_to_end.keyless import DBT, PROJECT, ok

pytestmark = pytest.mark.real

DATASETS = f"/bigquery/v2/projects/{PROJECT}/datasets"
MAIN = "demo_flights_local"
TOKEN = "planted-token-of-dbts"
DATASET_SETTINGS: dict[str, Any] = {
    "datasets": ["_staging", "marts"],
    "readDatasets": ["landing"],
    "existingDatasets": ["marts"],
    "grantingDatasets": ["_staging"],
    "projectMetadata": True,
}
# What dbt gets by them, whichever plugin makes it, and nothing more.
ROLES = {
    MAIN: ["WRITER"],
    f"{MAIN}_raw": ["READER"],
    f"{MAIN}_staging": ["OWNER"],
    "marts": ["WRITER"],
    "landing": ["READER"],
    "somebodys": [],
}
PROJECT_ROLES = {"roles/bigquery.jobUser", "roles/bigquery.metadataViewer"}
THERE_BEFORE = ("marts", "landing", "somebodys")
SETTINGS: dict[str, Any] = DATASET_SETTINGS | {
    "dbtEnvironment": {"REGION": "north"},
    "dbtProfile": {"priority": "batch"},
    "deployments": [
        {
            "name": "hourly",
            "select": "tag:hourly",
            "schedules": [{"cron": "0 * * * *"}, {"cron": "0 3 * * 0", "parameters": {"full_refresh": True}}],
        },
    ],
}


def configured(project: Checkout, **settings: Any) -> None:
    """Put settings into the stack's file, each in the place of what it was."""
    path = project.root / "Pulumi.local.yaml"
    file = yaml.safe_load(path.read_text())
    for name, value in settings.items():
        file["config"][f"projet-m2-bi:{name}"] = value
        if value is None:
            del file["config"][f"projet-m2-bi:{name}"]
    path.write_text(yaml.safe_dump(file, sort_keys=False))


def roles(project: Checkout) -> dict[str, list[str]]:
    """What dbt's account has on each dataset."""
    found = {}
    for dataset in servers.datasets(project):
        access = keyless.google(project, "GET", f"{DATASETS}/{dataset}")["access"]
        found[dataset] = [entry["role"] for entry in access if entry.get("userByEmail") == DBT]
    return found


def project_roles(project: Checkout) -> set[str]:
    """What dbt's account has on the whole project."""
    policy = keyless.google(project, "POST", f"/v1/projects/{PROJECT}:getIamPolicy")
    return {one["role"] for one in policy["bindings"] if f"serviceAccount:{DBT}" in one["members"]}


def make_beforehand(project: Checkout) -> None:
    """Make the datasets that are there before the stack is."""
    for name in THERE_BEFORE:
        reference = {"datasetReference": {"projectId": PROJECT, "datasetId": name}, "location": "EU"}
        keyless.google(project, "POST", DATASETS, reference)


@pytest.fixture(scope="module")
def ready(project: Checkout) -> Checkout:
    """The local stack with datasets of all kinds, of which two are there before it."""
    make_beforehand(project)
    configured(project, **SETTINGS)
    ok(project.pulumi("config", "set", "--path", "dbtEnvironment.TOKEN", TOKEN, "--secret"))
    ok(project.pulumi("up", "--yes", "--skip-preview"))
    keyless.tiny_project(project)
    models = project.root / "tiny" / "models"
    variables = "{{ env_var('REGION') }}' as region, '{{ env_var('TOKEN') }}"
    (models / "from_env.sql").write_text(f"select '{variables}' as token\n")
    return project


def test_dbt_gets_what_the_settings_say_and_nothing_more(ready: Checkout) -> None:
    assert roles(ready) == ROLES
    assert project_roles(ready) == PROJECT_ROLES
    labels = {
        name: keyless.google(ready, "GET", f"{DATASETS}/{name}").get("labels", {})
        for name in SETTINGS["datasets"][1:]
    }
    # What exists is not the stack's: it is only granted.
    assert labels == {"marts": {}}
    ok(ready.pulumi("preview", "--expect-no-changes"))


def test_dbts_variables_reach_dbt_and_no_place_where_they_can_be_read(ready: Checkout) -> None:
    done = keyless.flow(ready, {})
    assert "dbt-test  success" in ok(done)
    (row,) = keyless.google(
        ready,
        "POST",
        f"/bigquery/v2/projects/{PROJECT}/queries",
        {"query": f"select region, token from {MAIN}.from_env", "useLegacySql": False},
    )["rows"]
    assert [cell["v"] for cell in row["f"]] == ["north", TOKEN]
    assert TOKEN not in done.stdout + done.stderr
    stack = ok(ready.pulumi("stack", "export"))
    found = servers.prefect(ready, "/deployments/filter", {})
    blocks = servers.prefect(ready, "/block_documents/filter", {"include_secrets": False})
    for place in (stack, json.dumps(found), json.dumps(blocks)):
        assert TOKEN not in place
    assert {one["name"] for one in found} == {"dbt-local", "dbt-local-hourly"}
    (hourly,) = [one for one in found if one["name"] == "dbt-local-hourly"]
    assert hourly["parameters"]["select"] == "tag:hourly"
    schedules = {one["schedule"]["cron"]: one["parameters"] for one in hourly["schedules"]}
    assert schedules == {"0 * * * *": {}, "0 3 * * 0": {"full_refresh": True}}


def test_no_update_drops_tables_unless_it_is_said(ready: Checkout) -> None:
    schema = {"fields": [{"name": "id", "type": "INTEGER"}]}
    table = {"tableReference": {"tableId": "kept"}, "schema": schema}
    keyless.google(ready, "POST", f"{DATASETS}/{MAIN}_staging/tables", table)
    before = ready.root.joinpath("Pulumi.local.yaml").read_text()
    configured(ready, datasets=["marts"], grantingDatasets=None)
    for command in (("preview",), ("up", "--yes", "--skip-preview")):
        done = ready.pulumi(*command)
        told = done.stdout + done.stderr
        assert done.returncode != 0, told
        assert f"the dataset {MAIN}_staging in EU would be dropped with its 1 table" in told
        assert f"`pulumi config set --path 'dropOnUpdate[0]' {MAIN}_staging@EU -s local`" in told
        assert "Traceback" not in told
    assert f"{MAIN}_staging" in servers.datasets(ready)
    ok(ready.pulumi("config", "set", "--path", "dropOnUpdate[0]", f"{MAIN}_staging@EU"))
    ok(ready.pulumi("up", "--yes", "--skip-preview"))
    assert f"{MAIN}_staging" not in servers.datasets(ready)
    ready.root.joinpath("Pulumi.local.yaml").write_text(before)
    # And somebody's own is met before anything is made.
    configured(ready, datasets=["_staging", "marts", "somebodys"])
    done = ready.pulumi("preview")
    assert done.returncode != 0
    assert "the dataset somebodys exists in the project demo-flights already" in done.stdout + done.stderr
    configured(ready, datasets=["_staging", "marts"])


def test_what_the_stack_takes_away_leaves_what_was_there(ready: Checkout) -> None:
    ok(ready.pulumi("destroy", "--yes", "--skip-preview"))
    assert servers.datasets(ready) == {"marts", "landing", "somebodys"}
    assert project_roles(ready) == set()
    for name in servers.datasets(ready):
        access = keyless.google(ready, "GET", f"{DATASETS}/{name}")["access"]
        assert not [entry for entry in access if "dbt-" in entry.get("userByEmail", "")]
    assert servers.objects(ready)["deployments"] == set()
    assert servers.block_names(ready) == set()
