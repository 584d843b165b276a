"""Importing by the official plugin's ids, with either plugin."""

from __future__ import annotations

import json

import pytest

from tests.local.gcp_plugin import programs
from tests.local.gcp_plugin.engine import Stack
from tests.local.gcp_plugin.platform import PROJECT, Google

pytestmark = pytest.mark.real

EMAIL = "imported@demo-flights.iam.gserviceaccount.com"
ROLE = "roles/bigquery.user"


def adopt(stack: Stack, *resources: tuple[str, str, str]) -> None:
    """Import resources, each with its type, its name in the program and its id, by one command."""
    listed = [{"type": type_, "name": name, "id": resource_id} for type_, name, resource_id in resources]
    file = stack.root / "imported.json"
    file.write_text(json.dumps({"resources": listed}))
    stack.program("")
    arguments = ("--yes", "--skip-preview", "--generate-code=false", "--protect=false")
    stack.pulumi("import", "--file", str(file), *arguments).ok()


def test_dataset(stack: Stack, google: Google) -> None:
    forms = {"whole": "projects/demo-flights/datasets/{}", "project": "demo-flights/{}", "short": "{}"}
    for name in forms:
        body = {"datasetReference": {"datasetId": name}, "location": "EU", "description": "by hand"}
        google.call("POST", google.dataset("")[:-1], body)
    adopt(stack, *(("gcp:bigquery/dataset:Dataset", name, form.format(name)) for name, form in forms.items()))
    ids = {name: one["id"] for name, one in stack.resources().items()}
    assert ids == {name: f"projects/demo-flights/datasets/{name}" for name in forms}
    program = "".join(programs.dataset(name, location="EU", description="by hand") for name in forms)
    assert stack.steps(program) == {}


def test_account_and_grants(stack: Stack, google: Google) -> None:
    google.call("POST", f"/v1/projects/{PROJECT}/serviceAccounts", {"accountId": "imported"})
    google.call("POST", google.dataset("")[:-1], {"datasetReference": {"datasetId": "shared"}})
    google.call("PATCH", google.dataset("shared"), {"access": [{"role": "READER", "userByEmail": EMAIL}]})
    binding = {"role": ROLE, "members": [f"serviceAccount:{EMAIL}"]}
    policy = google.call("POST", f"/v1/projects/{PROJECT}:getIamPolicy", {})
    policy["bindings"].append(binding)
    google.call("POST", f"/v1/projects/{PROJECT}:setIamPolicy", {"policy": policy})
    account = f"projects/{PROJECT}/serviceAccounts/{EMAIL}"
    viewer = f"projects/{PROJECT}/datasets/shared roles/bigquery.dataViewer serviceAccount:{EMAIL}"
    adopt(
        stack,
        ("gcp:serviceaccount/account:Account", "imported", account),
        ("gcp:projects/iAMMember:IAMMember", "user", f"{PROJECT} {ROLE} serviceAccount:{EMAIL}"),
        ("gcp:bigquery/datasetIamMember:DatasetIamMember", "viewer", viewer),
    )
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
