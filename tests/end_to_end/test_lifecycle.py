"""The whole job on real engines: up, no change, refresh, flow, figures, restart, destroy, nothing left."""

from __future__ import annotations

import json

import pytest

from tests.checkout import Checkout
from tests.end_to_end import servers

pytestmark = pytest.mark.real

BLOCKS = {"gcp-credentials-local", "bigquery-target-configs-local", "dbt-cli-profile-local"}
DATASETS = {"demo_flights_local", "demo_flights_local_raw"}


def ok(done: object) -> str:
    assert getattr(done, "returncode") == 0, f"{getattr(done, 'stdout')}\n{getattr(done, 'stderr')}"
    return str(getattr(done, "stdout"))


def test_up_makes_everything(project: Checkout) -> None:
    ok(project.pulumi("up", "--yes", "--skip-preview"))
    assert servers.block_names(project) == BLOCKS
    assert servers.datasets(project) == DATASETS
    assert servers.service_accounts(project) == {"dbt-local@demo-flights.iam.gserviceaccount.com"}


def test_outputs_name_everything(project: Checkout) -> None:
    outputs = json.loads(ok(project.pulumi("stack", "output", "--json")))
    assert {outputs[name] for name in outputs if name.endswith("Block")} == BLOCKS
    assert {outputs["dataset"], outputs["rawDataset"]} == DATASETS
    assert outputs["serviceAccount"].startswith("dbt-local@")
    assert outputs["runTheFlow"] == "python -m flows.pipeline --target local"


def test_a_second_preview_and_refresh_show_no_change(project: Checkout) -> None:
    ok(project.pulumi("preview", "--expect-no-changes"))
    ok(project.pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes"))
    ok(project.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes"))
