"""Importing by the official plugin's ids, with either plugin."""

from __future__ import annotations

import pytest

from tests.local.gcp_plugin import programs
from tests.local.gcp_plugin.engine import Stack
from tests.local.gcp_plugin.platform import PROJECT, Google

pytestmark = pytest.mark.real

EMAIL = "imported@demo-flights.iam.gserviceaccount.com"
ROLE = "roles/bigquery.user"


def adopt(stack: Stack, type_: str, name: str, resource_id: str) -> None:
    arguments = (
        type_,
        name,
        resource_id,
        "--yes",
        "--skip-preview",
        "--generate-code=false",
        "--protect=false",
    )
    stack.pulumi("import", *arguments).ok()


@pytest.mark.parametrize("form", ["projects/demo-flights/datasets/old", "demo-flights/old", "old"])
def test_dataset(stack: Stack, google: Google, form: str) -> None:
    body = {"datasetReference": {"datasetId": "old"}, "location": "EU", "description": "by hand"}
    google.call("POST", google.dataset("")[:-1], body)
    stack.program("")
    adopt(stack, "gcp:bigquery/dataset:Dataset", "old", form)
    assert stack.resources()["old"]["id"] == "projects/demo-flights/datasets/old"
    assert stack.steps(programs.dataset("old", location="EU", description="by hand")) == {}


def test_account_and_grants(stack: Stack, google: Google) -> None:
    google.call("POST", f"/v1/projects/{PROJECT}/serviceAccounts", {"accountId": "imported"})
    google.call("POST", google.dataset("")[:-1], {"datasetReference": {"datasetId": "shared"}})
    google.call("PATCH", google.dataset("shared"), {"access": [{"role": "READER", "userByEmail": EMAIL}]})
    binding = {"role": ROLE, "members": [f"serviceAccount:{EMAIL}"]}
    policy = google.call("POST", f"/v1/projects/{PROJECT}:getIamPolicy", {})
    policy["bindings"].append(binding)
    google.call("POST", f"/v1/projects/{PROJECT}:setIamPolicy", {"policy": policy})
    stack.program("")
    adopt(
        stack, "gcp:serviceaccount/account:Account", "imported", f"projects/{PROJECT}/serviceAccounts/{EMAIL}"
    )
    adopt(stack, "gcp:projects/iAMMember:IAMMember", "user", f"{PROJECT} {ROLE} serviceAccount:{EMAIL}")
    viewer = f"projects/{PROJECT}/datasets/shared roles/bigquery.dataViewer serviceAccount:{EMAIL}"
    adopt(stack, "gcp:bigquery/datasetIamMember:DatasetIamMember", "viewer", viewer)
    program = f"""
account = {programs.account("imported")}
gcp.projects.IAMMember("user", project="{PROJECT}", role="{ROLE}", member=account.member)
gcp.bigquery.DatasetIamMember(
    "viewer", dataset_id="shared", role="roles/bigquery.dataViewer", member=account.member)
"""
    assert stack.steps(program) == {}
    # Only now does the state know that the grants go before the account.
    stack.up().ok()
    stack.destroy().ok()
    google.call("DELETE", google.dataset("shared"))
    assert EMAIL not in google.accounts()
    assert google.members(ROLE) == set()
