"""Changes, made by the program or by somebody else, with either plugin."""

from __future__ import annotations

import pytest

from tests.local.gcp_plugin import programs
from tests.local.gcp_plugin.engine import Stack
from tests.local.gcp_plugin.platform import PROJECT, Google

pytestmark = pytest.mark.real

JOB_USER = "roles/bigquery.jobUser"
ROBOT = "user:robot@example.com"


def test_dataset_changes_in_place(stack: Stack, google: Google) -> None:
    stack.up(programs.dataset("moves", description="first", labels={"a": "1", "b": "2"})).ok()
    google.call("PATCH", google.dataset("moves"), {"labels": {"foreign": "kept"}})
    stack.refresh().ok()
    stack.up(programs.dataset("moves", friendly_name="Moves", labels={"a": "3"})).ok()
    found = google.call("GET", google.dataset("moves"))
    assert found.get("description", "") == ""
    assert found["friendlyName"] == "Moves"
    assert found["labels"] == {"a": "3", "foreign": "kept", "goog-pulumi-provisioned": "true"}
    stack.up(None, "--expect-no-changes").ok()


def test_update_leaves_grants_alone(stack: Stack, google: Google) -> None:
    grant = (
        'gcp.bigquery.DatasetIamMember("grant", dataset_id="grants", role="roles/bigquery.dataViewer",\n'
        "    member='user:reader@example.com', opts=pulumi.ResourceOptions(depends_on=[dataset]))\n"
    )
    stack.up("dataset = " + programs.dataset("grants") + grant).ok()
    stack.up("dataset = " + programs.dataset("grants", description="later") + grant).ok()
    access = google.call("GET", google.dataset("grants"))["access"]
    assert {"role": "READER", "userByEmail": "reader@example.com"} in access
    assert {"role": "OWNER", "specialGroup": "projectOwners"} in access
    assert stack.steps() == {}


def test_a_label_changes_and_every_grant_is_still_there(stack: Stack, google: Google) -> None:
    # https://github.com/pulumi/pulumi-gcp/issues/3908
    grants = "".join(
        f'gcp.bigquery.DatasetIamMember("grant-{role}", dataset_id=dataset.dataset_id,\n'
        f"    role='roles/bigquery.{role}', member='user:{role}@example.com')\n"
        for role in ("dataViewer", "dataEditor", "metadataViewer")
    )
    stack.up("dataset = " + programs.dataset("labelled", labels={"team": "a"}) + grants).ok()
    before = google.call("GET", google.dataset("labelled"))["access"]
    by_hand = {"role": "READER", "userByEmail": "by-hand@example.com"}
    google.call("PATCH", google.dataset("labelled"), {"access": [*before, by_hand]})
    stack.up("dataset = " + programs.dataset("labelled", labels={"team": "b"}) + grants).ok()
    found = google.call("GET", google.dataset("labelled"))
    assert found["labels"]["team"] == "b"
    for entry in (*before, by_hand):
        assert entry in found["access"]
    stack.refresh("--expect-no-changes").ok()
    assert stack.steps() == {}


def test_replaced_by_another_name(stack: Stack, google: Google) -> None:
    stack.up('gcp.bigquery.Dataset("d", dataset_id="name_one")').ok()
    stack.up('gcp.bigquery.Dataset("d", dataset_id="name_two")').ok()
    assert google.datasets() & {"name_one", "name_two"} == {"name_two"}


def test_account_changes_in_place_and_is_switched_off(stack: Stack, google: Google) -> None:
    stack.up(programs.account("changes", display_name="first", description="gone")).ok()
    stack.up(programs.account("changes", display_name="second")).ok()
    # Apart, because the official plugin (9.35) waits in vain if a text changes at the same time.
    stack.up(programs.account("changes", display_name="second", disabled=True)).ok()
    found = google.call(
        "GET", f"/v1/projects/{PROJECT}/serviceAccounts/changes@{PROJECT}.iam.gserviceaccount.com"
    )
    assert (found["displayName"], found.get("description", ""), found["disabled"]) == ("second", "", True)
    assert stack.steps() == {}


def test_drift_is_seen_and_mended(stack: Stack, google: Google) -> None:
    stack.up(programs.dataset("drifts", description="ours", labels={"a": "1"})).ok()
    google.call("PATCH", google.dataset("drifts"), {"description": "theirs", "labels": {"a": "9"}})
    stack.refresh("--expect-no-changes").failed()
    outputs = stack.resources()["drifts"]["outputs"]
    assert (outputs["description"], outputs["labels"]) == ("theirs", {"a": "9"})
    assert stack.steps() == {"drifts": ["update"]}
    stack.up().ok()
    found = google.call("GET", google.dataset("drifts"))
    assert (found["description"], found["labels"]["a"]) == ("ours", "1")


def test_gone_is_created_again(stack: Stack, google: Google) -> None:
    stack.up(programs.dataset("vanishes") + _job_user()).ok()
    google.call("DELETE", google.dataset("vanishes"))
    _forget(google)
    stack.refresh().ok()
    assert stack.resources() == {}
    stack.up().ok()
    assert "vanishes" in google.datasets()
    assert google.members(JOB_USER) == {ROBOT}


def test_delete_of_what_is_gone(stack: Stack, google: Google) -> None:
    stack.up(programs.dataset("vanished") + _job_user()).ok()
    google.call("DELETE", google.dataset("vanished"))
    _forget(google)
    stack.destroy().ok()
    assert stack.resources() == {}


def test_others_in_the_role_stay(stack: Stack, google: Google) -> None:
    policy = google.call("POST", f"/v1/projects/{PROJECT}:getIamPolicy", {})
    policy["bindings"].append({"role": JOB_USER, "members": ["user:other@example.com"]})
    google.call("POST", f"/v1/projects/{PROJECT}:setIamPolicy", {"policy": policy})
    stack.up(_job_user()).ok()
    assert google.members(JOB_USER) == {ROBOT, "user:other@example.com"}
    stack.destroy().ok()
    assert google.members(JOB_USER) == {"user:other@example.com"}
    _forget(google)


def test_many_grants_at_once(stack: Stack, google: Google) -> None:
    members = [f"user:u{number}@example.com" for number in range(8)]
    lines = [
        f'gcp.projects.IAMMember("m{n}", project="{PROJECT}", role="{JOB_USER}", member="{member}")'
        for n, member in enumerate(members)
    ]
    stack.up("\n".join(lines)).ok()
    assert google.members(JOB_USER) == set(members)
    stack.destroy().ok()
    assert google.members(JOB_USER) == set()


def _job_user() -> str:
    return f'gcp.projects.IAMMember("grant", project="{PROJECT}", role="{JOB_USER}", member="{ROBOT}")\n'


def _forget(google: Google) -> None:
    """Take the role from everyone, as somebody in the console might."""
    policy = google.call("POST", f"/v1/projects/{PROJECT}:getIamPolicy", {})
    policy["bindings"] = [binding for binding in policy["bindings"] if binding["role"] != JOB_USER]
    google.call("POST", f"/v1/projects/{PROJECT}:setIamPolicy", {"policy": policy})
