"""The whole program with the official gcp plugin in the place of the local one, on the same endpoints."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from local.pulumi_cli.pulumi_home import GCP_VERSION
from tests import official_gcp, tiny
from tests.checkout import Checkout
from tests.end_to_end import servers, test_datasets

pytestmark = pytest.mark.real


@pytest.fixture
def official(project: Checkout, tmp_path: Path, pulumi_bin: Path) -> Checkout:
    """The local stack, with the official plugin and a tiny dbt project."""
    executable = official_gcp.unpack(tmp_path, pulumi_bin)
    size = executable.stat().st_size
    home = project.paths.pulumi_home / "plugins"
    shutil.rmtree(home / f"resource-gcp-v{GCP_VERSION}")
    done = project.run("pulumi", "plugin", "install", "resource", "gcp", GCP_VERSION, f"--file={tmp_path}")
    assert done.returncode == 0, done.stderr
    assert (home / f"resource-gcp-v{GCP_VERSION}" / executable.name).stat().st_size == size
    executable.unlink()
    shutil.rmtree(project.root / "dbt")
    shutil.copytree(tiny.DIRECTORY, project.root / "dbt")
    return project


def ok(project: Checkout, *arguments: str) -> None:
    done = project.pulumi(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr


def accounts_keys(project: Checkout) -> list[str]:
    email = "dbt-local@demo-flights.iam.gserviceaccount.com"
    path = f"/v1/projects/demo-flights/serviceAccounts/{email}/keys?keyTypes=USER_MANAGED"
    return [key["name"] for key in servers.google(project, path).get("keys", [])]


def test_the_lifecycle_is_the_same(official: Checkout) -> None:
    test_datasets.make_beforehand(official)
    test_datasets.configured(official, **test_datasets.DATASET_SETTINGS)
    ok(official, "up", "--yes", "--skip-preview")
    ok(official, "preview", "--expect-no-changes")
    ok(official, "refresh", "--yes", "--skip-preview", "--expect-no-changes")
    assert test_datasets.roles(official) == test_datasets.ROLES
    assert test_datasets.project_roles(official) == test_datasets.PROJECT_ROLES
    outputs = json.loads(official.pulumi("stack", "output", "--json").stdout)
    assert {outputs["dataset"], outputs["rawDataset"]} <= servers.datasets(official)
    flow = official.python("-m", "flows.pipeline", "--target", "local")
    assert flow.returncode == 0, flow.stdout + flow.stderr
    assert servers.rows(official, "demo_flights_local", "greetings") == 3

    # The key is rotated, then given up.
    [key] = accounts_keys(official)
    settings = official.root / "Pulumi.local.yaml"
    text = settings.read_text()
    settings.write_text(text.replace("config:\n", "config:\n  projet-m2-bi:keyRotation: 2026-Q4\n"))
    ok(official, "up", "--yes", "--skip-preview")
    [rotated] = accounts_keys(official)
    assert rotated != key
    settings.write_text(
        text.replace(
            "projet-m2-bi:identity: key\n",
            "projet-m2-bi:identity: impersonation\n  projet-m2-bi:impersonators: [user:ada@example.com]\n",
        )
    )
    ok(official, "up", "--yes", "--skip-preview")
    assert accounts_keys(official) == []
    ok(official, "preview", "--expect-no-changes")
    ok(official, "refresh", "--yes", "--skip-preview", "--expect-no-changes")

    ok(official, "destroy", "--yes", "--skip-preview")
    assert servers.datasets(official) == set(test_datasets.THERE_BEFORE)
    assert test_datasets.project_roles(official) == set()
    assert servers.service_accounts(official) == set()
    assert servers.block_names(official) == set()
