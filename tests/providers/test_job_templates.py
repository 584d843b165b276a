"""The committed job templates against the real worker classes, filled as the program fills them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from infra.deployments import Place
from providers.catalog.job_templates import WORKERS, filled
from providers.values import reference
from tests.providers import chains
from tests.providers.engine import PROJECT
from tests.providers.prefect_server import PrefectServer

pytestmark = pytest.mark.real
IMAGE = "europe-west1-docker.pkg.dev/p/r/dbt:1"
LOGIN = {"type": "authorized_user", "client_id": "x", "client_secret": "y", "refresh_token": "z"}
ACCOUNT = "dbt-dev@demo-flights.iam.gserviceaccount.com"


def python(api_url: str, home: Path, *arguments: str, given: str = "") -> str:
    """Run a module in a process that may import Google's client."""
    # A worker that starts jobs in Google Cloud is signed in there as itself.
    login = home / "login.json"
    login.write_text(json.dumps(LOGIN))
    environment = {
        **os.environ,
        "PREFECT_API_URL": api_url,
        "PREFECT_HOME": str(home),
        "GOOGLE_APPLICATION_CREDENTIALS": str(login),
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", *arguments],
        input=given,
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


KEY = {"secret": "prefect-api-key", "version": "3"}


@pytest.fixture(scope="module")
def rendered(prefect: PrefectServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The job that each worker makes of the program's work pool, and whether the templates are up to date."""
    with closing(chains.client(prefect.url, answer_timeout=30)) as client:
        schema = chains.schema(client, chains.CREDENTIALS)
        data = {"project": "p-of-the-block"}
        block = client.create(chains.CREDENTIALS, "for-jobs", data, schema)
        assert block
    own: dict[str, dict[str, Any]] = {
        "process": {},
        "docker": {"image": IMAGE},
        "kubernetes": {"image": IMAGE, "namespace": "data", "account_of_pods": "dbt-dev"},
        "cloud-run-v2": {
            "image": IMAGE,
            "region": "europe-west1",
            "secrets": {"prefect_api_key_secret": KEY},
        },
    }
    labels = {"environment": "dev", "managed-by": "pulumi"}
    known: dict[str, Any] = {"labels": labels, "account": ACCOUNT, "credentials": reference(block.id)}
    templates = {}
    for pool_type in WORKERS:
        templates[pool_type] = filled(pool_type, Place(pool_type, **known, **own[pool_type]).values())
        # Prefect's server accepts it too, with the reference.
        body = {"name": f"render-{pool_type}", "type": pool_type, "base_job_template": templates[pool_type]}
        prefect.call("POST", "/work_pools/", json=body)
    home = tmp_path_factory.mktemp("home")
    text = python(prefect.url, home, "tests.providers.render_jobs", given=json.dumps(templates))
    found: dict[str, Any] = json.loads(text)
    return found


@pytest.fixture
def jobs(rendered: dict[str, Any]) -> dict[str, Any]:
    """Work pool type -> job."""
    found: dict[str, Any] = rendered["jobs"]
    return found


def test_the_process_worker_starts_in_the_project(jobs: dict[str, Any]) -> None:
    assert jobs["process"]["working_dir"] == str(PROJECT)
    assert jobs["process"]["command"].endswith("-m prefect.engine")


def test_the_docker_worker_runs_the_image(jobs: dict[str, Any]) -> None:
    assert jobs["docker"]["image"] == IMAGE


def test_the_kubernetes_worker_runs_the_image(jobs: dict[str, Any]) -> None:
    pod = jobs["kubernetes"]["job_manifest"]["spec"]["template"]["spec"]
    assert [container["image"] for container in pod["containers"]] == [IMAGE]
    assert pod["serviceAccountName"] == "dbt-dev"
    assert jobs["kubernetes"]["job_manifest"]["metadata"]["namespace"] == "data"


def test_the_cloud_run_worker_runs_the_image_as_the_stacks_account_in_its_region(
    jobs: dict[str, Any],
) -> None:
    job = jobs["cloud-run-v2"]
    task = job["job_body"]["template"]["template"]
    assert job["region"] == "europe-west1"
    # The reference has become the block that it refers to.
    assert job["credentials"]["project"] == "p-of-the-block"
    assert task["serviceAccount"] == ACCOUNT
    assert task["containers"][0]["image"] == IMAGE
    [key] = [one for one in task["containers"][0]["env"] if one["name"] == "PREFECT_API_KEY"]
    assert key == {"name": "PREFECT_API_KEY", "valueSource": {"secretKeyRef": KEY}}
    assert task["containers"][0]["resources"]["limits"]["memory"] == "2Gi"


def test_what_costs_money_carries_the_stacks_labels(jobs: dict[str, Any]) -> None:
    pods = jobs["kubernetes"]["job_manifest"]
    body = jobs["cloud-run-v2"]["job_body"]
    for labels in (
        pods["metadata"]["labels"],
        pods["spec"]["template"]["metadata"]["labels"],
        body["labels"],
        body["template"]["labels"],
        jobs["docker"]["labels"],
    ):
        assert labels["environment"] == "dev"
        assert labels["managed-by"] == "pulumi"


def test_the_committed_templates_are_those_of_the_worker_classes(rendered: dict[str, Any]) -> None:
    code, said = rendered["check"]
    assert code == 0, said
