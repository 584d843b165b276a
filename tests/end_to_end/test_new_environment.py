"""A new environment is one new file, with all that an environment has."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest

from tests.asking import ask
from tests.checkout import Checkout
from tests.end_to_end import keyless, servers

pytestmark = pytest.mark.real

BLOCKS = {
    "gcp-credentials-staging",
    "bigquery-target-configs-staging",
    "dbt-cli-global-configs-staging",
    "dbt-cli-profile-staging",
}

OWN = "starts runs of dbt-staging"
# Where people see Prefect, which is not where Pulumi and workers do.
PAGE = "https://prefect.example.com"


@pytest.fixture(scope="module")
def staging(project: Checkout) -> Checkout:
    """The copy with a further stack that is empty; each test takes away what it has made, or is the last."""
    shutil.copy(project.root / "Pulumi.local.yaml", project.root / "Pulumi.staging.yaml")
    text = (project.root / "Pulumi.staging.yaml").read_text()
    lines = [line for line in text.splitlines() if not line.startswith("encryptionsalt")]
    lines += [
        '  projet-m2-bi:freshness: "true"',
        '  projet-m2-bi:schedule: "0 2 * * *"',
        "  projet-m2-bi:timeZone: Europe/Paris",
        "  projet-m2-bi:alertBlock: webhook/on-call",
        f"  prefect:uiUrl: {PAGE}/",
    ]
    (project.root / "Pulumi.staging.yaml").write_text("\n".join(lines) + "\n")
    servers.create_block(project, "webhook", "on-call", {"url": "http://127.0.0.1:9/"})
    init = project.run("pulumi", "stack", "init", "staging", "--non-interactive", "--no-select")
    assert init.returncode == 0, init.stderr
    return project


def test_one_file_makes_an_environment(staging: Checkout) -> None:
    before = servers.block_names(staging)
    up = staging.pulumi("up", "--yes", "--skip-preview", stack="staging")
    assert up.returncode == 0, up.stdout + up.stderr
    outputs = json.loads(staging.pulumi("stack", "output", "--json", stack="staging").stdout)
    account = "dbt-staging@demo-flights.iam.gserviceaccount.com"
    api = staging.variables()["PREFECT_API_URL"]
    google = staging.variables()["BIGQUERY_API_ENDPOINT"]
    deployment = ask("GET", f"{api}/deployments/name/pipeline-dbt-complet/dbt-staging")
    alerts, lost = automations(staging)
    number = servers.google(staging, f"/v1/projects/demo-flights/serviceAccounts/{account}")["uniqueId"]
    assert outputs == {
        "environment": "staging",
        "project": "demo-flights",
        "location": "EU",
        "dataset": "demo_flights_staging",
        "rawDataset": "demo_flights_staging_raw",
        "identity": "key",
        "serviceAccount": account,
        "gcpCredentialsBlock": "gcp-credentials-staging",
        "bigqueryTargetConfigsBlock": "bigquery-target-configs-staging",
        "dbtCliProfileBlock": "dbt-cli-profile-staging",
        "dbtCliGlobalConfigsBlock": "dbt-cli-global-configs-staging",
        "workPool": "dbt-staging",
        "deployment": "dbt-staging",
        "globalConcurrencyLimit": "dbt-staging",
        "alerts": "dbt-staging-alerts",
        "alertBlock": "webhook/on-call",
        "lostRuns": "dbt-staging-lost",
        "startAWorker": "prefect worker start --pool dbt-staging --no-create-pool-if-not-found",
        "runTheDeployment": "prefect deployment run pipeline-dbt-complet/dbt-staging",
        "runTheFlow": "python -m flows.pipeline --target staging",
        "takeAway": "pulumi destroy -s staging",
        "bigqueryPage": f"{google}/#{outputs['dataset']}",
        "rawDatasetPage": f"{google}/#{outputs['rawDataset']}",
        "serviceAccountPage": f"{google}/#{number}",
        "prefectApi": api,
        "prefectPage": PAGE,
        "workPoolPage": f"{PAGE}/work-pools/work-pool/dbt-staging",
        "deploymentPage": f"{PAGE}/deployments/deployment/{deployment['id']}",
        "alertsPage": f"{PAGE}/automations/automation/{alerts['id']}",
        "lostRunsPage": f"{PAGE}/automations/automation/{lost['id']}",
    }
    assert f"{PAGE}/runs/flow-run/" in alerts["actions"][0]["payload"]
    assert servers.block_names(staging) - before == BLOCKS
    assert {outputs["dataset"], outputs["rawDataset"]} <= servers.datasets(staging)
    assert account in servers.service_accounts(staging)
    assert deployment["work_pool_name"] == "dbt-staging"
    assert deployment["global_concurrency_limit"]["limit"] == 1
    (schedule,) = deployment["schedules"]
    assert schedule["active"]
    assert (schedule["schedule"]["cron"], schedule["schedule"]["timezone"]) == ("0 2 * * *", "Europe/Paris")
    assert ask("GET", f"{api}/work_pools/dbt-staging")["type"] == "process"
    assert (alerts["enabled"], lost["enabled"]) == (True, True)
    ok = staging.pulumi("preview", "--expect-no-changes", stack="staging")
    assert ok.returncode == 0, ok.stdout + ok.stderr

    destroy = staging.pulumi("destroy", "--yes", "--skip-preview", stack="staging")
    assert destroy.returncode == 0, destroy.stdout + destroy.stderr
    assert servers.block_names(staging) == before
    assert not {name for name in servers.datasets(staging) if "staging" in name}
    assert account not in servers.service_accounts(staging)
    assert automations(staging) == []
    filters: dict[str, Any] = {"deployments": {"name": {"any_": ["dbt-staging"]}}}
    assert servers.prefect(staging, "/deployments/filter", filters) == []
    filters = {"work_pools": {"name": {"any_": ["dbt-staging"]}}}
    assert servers.prefect(staging, "/work_pools/filter", filters) == []


def test_it_may_run_in_google_cloud(staging: Checkout) -> None:
    worker = "worker@demo-flights.iam.gserviceaccount.com"
    keyless.google(staging, "POST", keyless.ACCOUNTS, {"accountId": "worker"})
    # The same worker starts the runs of another stack in this project.
    keyless.grant(staging, worker, "roles/run.developer")
    keyless.configure(
        staging,
        "workPoolType=cloud-run-v2",
        "image=europe-west1-docker.pkg.dev/demo-flights/r/dbt:1",
        "region=europe-west1",
        "identity=attached",
        f"workers[0]=serviceAccount:{worker}",
        stack="staging",
    )
    assert early(staging) == []
    account = f"{keyless.ACCOUNTS}/dbt-staging@demo-flights.iam.gserviceaccount.com"
    assert granted(staging, account) == {"roles/iam.serviceAccountUser": [f"serviceAccount:{worker}"]}
    assert run_developers(staging) == {"": [f"serviceAccount:{worker}"], OWN: [f"serviceAccount:{worker}"]}
    pool = ask("GET", f"{staging.variables()['PREFECT_API_URL']}/work_pools/dbt-staging")
    defaults = pool["base_job_template"]["variables"]["properties"]
    assert pool["type"] == "cloud-run-v2"
    assert defaults["service_account_name"]["default"].startswith("dbt-staging@")
    assert defaults["credentials"]["default"].keys() == {"$ref"}
    # Another type of pool, of the same name: the deployment moves along.
    for unused in ("workers", "region"):
        keyless.ok(staging.pulumi("config", "rm", f"projet-m2-bi:{unused}", stack="staging"))
    keyless.configure(staging, "workPoolType=kubernetes", "namespace=data", stack="staging")
    pods = "serviceAccount:demo-flights.svc.id.goog[data/dbt-staging]"
    assert granted(staging, account) == {"roles/iam.workloadIdentityUser": [pods]}
    assert run_developers(staging) == {"": [f"serviceAccount:{worker}"]}
    keyless.ok(staging.pulumi("preview", "--expect-no-changes", stack="staging"))


def early(project: Checkout) -> list[str]:
    """The resources in Google Cloud that may come before an API of the project is on."""
    exported = json.loads(project.pulumi("stack", "export", stack="staging").stdout)
    made = {entry["urn"]: entry for entry in exported["deployment"]["resources"]}
    apis = {urn for urn, entry in made.items() if entry["type"] == "gcp:projects/service:Service"}
    assert len(apis) == 4, apis

    def after(urn: str) -> set[str]:
        direct = set(made[urn].get("dependencies", []))
        return direct.union(*(after(one) for one in direct))

    google = {urn for urn, entry in made.items() if entry["type"].startswith("gcp:")} - apis
    return sorted(urn for urn in google if not apis <= after(urn))


def granted(project: Checkout, resource: str) -> dict[str, list[str]]:
    """The members of each role in a resource's policy."""
    policy = keyless.google(project, "POST", f"{resource}:getIamPolicy")
    return {binding["role"]: binding["members"] for binding in policy.get("bindings", [])}


def run_developers(project: Checkout) -> dict[str, list[str]]:
    """Who may start runs on Cloud Run, by the title of the grant's condition."""
    policy = keyless.google(project, "POST", "/v1/projects/demo-flights:getIamPolicy")
    return {
        binding.get("condition", {}).get("title", ""): binding["members"]
        for binding in policy["bindings"]
        if binding["role"] == "roles/run.developer"
    }


def automations(project: Checkout) -> list[dict[str, Any]]:
    """The stack's automations, by name: of alerts, and of lost runs."""
    filters = {"automations": {"name": {"any_": ["dbt-staging-alerts", "dbt-staging-lost"]}}}
    return sorted(servers.prefect(project, "/automations/filter", filters), key=lambda one: str(one["name"]))
