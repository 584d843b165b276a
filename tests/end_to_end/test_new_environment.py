"""A new environment is one new file."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from tests.checkout import Checkout
from tests.end_to_end import servers

pytestmark = pytest.mark.real


@pytest.fixture
def staging(project: Checkout) -> Iterator[Checkout]:
    shutil.copy(project.root / "Pulumi.local.yaml", project.root / "Pulumi.staging.yaml")
    text = (project.root / "Pulumi.staging.yaml").read_text()
    lines = [line for line in text.splitlines() if not line.startswith("encryptionsalt")]
    (project.root / "Pulumi.staging.yaml").write_text("\n".join(lines) + "\n")
    init = project.run("pulumi", "stack", "init", "staging", "--non-interactive", "--no-select")
    assert init.returncode == 0, init.stderr
    yield project
    project.pulumi("destroy", "--yes", "--skip-preview", stack="staging")
    removed = project.pulumi("stack", "rm", "--yes", stack="staging")
    assert removed.returncode == 0, removed.stderr


def test_one_file_makes_an_environment(staging: Checkout) -> None:
    before = servers.block_names(staging)
    up = staging.pulumi("up", "--yes", "--skip-preview", stack="staging")
    assert up.returncode == 0, up.stdout + up.stderr
    assert servers.block_names(staging) - before == {
        "gcp-credentials-staging",
        "bigquery-target-configs-staging",
        "dbt-cli-profile-staging",
    }
    assert {"demo_flights_staging", "demo_flights_staging_raw"} <= servers.datasets(staging)
    destroy = staging.pulumi("destroy", "--yes", "--skip-preview", stack="staging")
    assert destroy.returncode == 0, destroy.stdout + destroy.stderr
    assert servers.block_names(staging) == before
    assert not {name for name in servers.datasets(staging) if "staging" in name}
