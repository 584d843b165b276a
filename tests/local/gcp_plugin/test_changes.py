"""Changes, made by the program or by somebody else, with either plugin.

All cases go through the same commands together, and each is judged by what was noted of it on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.local.gcp_plugin import programs
from tests.local.gcp_plugin.conftest import StackMaker
from tests.local.gcp_plugin.engine import Plugin, Ran
from tests.local.gcp_plugin.platform import PROJECT, Google

pytestmark = pytest.mark.real

ROBOT = "user:robot@example.com"
# One for each case: members of a role are of the whole project.
VANISHES, VANISHED, SHARED, MANY = (
    f"roles/bigquery.{name}" for name in ("jobUser", "user", "resourceViewer", "readSessionUser")
)
OTHER = "user:other@example.com"
MEMBERS = [f"user:u{number}@example.com" for number in range(8)]
BY_HAND = {"role": "READER", "userByEmail": "by-hand@example.com"}
CHANGES = f"/v1/projects/{PROJECT}/serviceAccounts/changes@{PROJECT}.iam.gserviceaccount.com"


def _job_user(name: str, role: str, member: str = ROBOT) -> str:
    return f'gcp.projects.IAMMember("{name}", project="{PROJECT}", role="{role}", member="{member}")\n'


def _grants(case: str, *roles: str) -> str:
    return "".join(
        f'gcp.bigquery.DatasetIamMember("{case}-{role}", dataset_id="{case}",\n'
        f"    role='roles/bigquery.{role}', member='user:{role.lower()}@example.com',\n"
        "    opts=pulumi.ResourceOptions(depends_on=[dataset]))\n"
        for role in roles
    )


LABELLED = _grants("labelled", "dataViewer", "dataEditor", "metadataViewer")
GRANTS = _grants("grants", "dataViewer")
FIRST = (
    programs.dataset("moves", description="first", labels={"a": "1", "b": "2"})
    + f"dataset = {programs.dataset('grants')}{GRANTS}"
    # https://github.com/pulumi/pulumi-gcp/issues/3908
    + f"dataset = {programs.dataset('labelled', labels={'team': 'a'})}{LABELLED}"
    + 'gcp.bigquery.Dataset("named", dataset_id="name_one")\n'
    + programs.account("changes", display_name="first", description="gone")
    + programs.dataset("drifts", description="ours", labels={"a": "1"})
    + programs.dataset("vanishes")
    + _job_user("vanishes-grant", VANISHES)
    + programs.dataset("vanished")
    + _job_user("vanished-grant", VANISHED)
    + _job_user("shared", SHARED)
    + "".join(_job_user(f"many-{n}", MANY, member) for n, member in enumerate(MEMBERS))
)
SECOND = (
    FIRST.replace(
        programs.dataset("moves", description="first", labels={"a": "1", "b": "2"}),
        programs.dataset("moves", friendly_name="Moves", labels={"a": "3"}),
    )
    .replace(programs.dataset("grants"), programs.dataset("grants", description="later"))
    .replace("'team': 'a'", "'team': 'b'")
    .replace("name_one", "name_two")
    .replace("display_name='first', description='gone'", "display_name='second'")
)
# Apart, because the official plugin (9.35) waits in vain if a text changes at the same time.
THIRD = SECOND.replace("display_name='second'", "display_name='second', disabled=True")


@dataclass
class Story:
    """What was there, and what each command did, by the name of its moment."""

    datasets: dict[str, dict[str, Any]] = field(default_factory=dict)
    members: dict[str, dict[str, set[str]]] = field(default_factory=dict)
    ran: dict[str, Ran] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    account: dict[str, Any] = field(default_factory=dict)

    def look(self, google: Google, moment: str) -> None:
        """Note what Google has now."""
        self.datasets[moment] = {name: google.call("GET", google.dataset(name)) for name in google.datasets()}
        self.members[moment] = {role: google.members(role) for role in (VANISHES, VANISHED, SHARED, MANY)}

    def done(self, moment: str, case: str) -> dict[str, list[str]]:
        """What that command did to the case's resources, by their names."""
        every = self.ran[moment].operations
        found = {name: ops for name, ops in every.items() if name.partition("-")[0] == case}
        assert found, self.ran[moment].output
        return found


@pytest.fixture(scope="module")
def story(plugin: Plugin, make_stack: StackMaker, google: Google) -> Iterator[Story]:
    stack, told = make_stack(plugin), Story()
    _change_policy(google, lambda bindings: bindings.append({"role": SHARED, "members": [OTHER]}))
    told.ran["first"] = stack.up(FIRST)
    told.look(google, "first")
    google.call("PATCH", google.dataset("moves"), {"labels": {"foreign": "kept"}})
    access = told.datasets["first"]["labelled"]["access"]
    google.call("PATCH", google.dataset("labelled"), {"access": [*access, BY_HAND]})
    google.call("PATCH", google.dataset("drifts"), {"description": "theirs", "labels": {"a": "9"}})
    _vanish(google, "vanishes", VANISHES)
    told.ran["refresh"] = stack.refresh()
    told.outputs = stack.resources()
    told.ran["drift"] = stack.pulumi("preview")
    told.ran["second"] = stack.up(SECOND)
    told.look(google, "second")
    told.ran["third"] = stack.up(THIRD)
    told.account = google.call("GET", CHANGES)
    told.ran["refreshed"] = stack.refresh()
    told.ran["nothing"] = stack.pulumi("preview")
    _vanish(google, "vanished", VANISHED)
    told.ran["destroy"] = stack.destroy()
    told.outputs = {"before": told.outputs, "after": stack.resources()}
    told.look(google, "destroy")
    yield told
    google.clear()


def test_every_command_succeeds(story: Story) -> None:
    for ran in story.ran.values():
        ran.ok()


def test_dataset_changes_in_place(story: Story) -> None:
    found = story.datasets["second"]["moves"]
    assert found.get("description", "") == ""
    assert found["friendlyName"] == "Moves"
    assert found["labels"] == {"a": "3", "foreign": "kept", "goog-pulumi-provisioned": "true"}
    assert story.done("second", "moves") == {"moves": ["update"]}
    assert story.done("third", "moves") == {"moves": ["same"]}


def test_update_leaves_grants_alone(story: Story) -> None:
    access = story.datasets["second"]["grants"]["access"]
    assert {"role": "READER", "userByEmail": "dataviewer@example.com"} in access
    assert {"role": "OWNER", "specialGroup": "projectOwners"} in access
    assert story.done("second", "grants")["grants"] == ["update"]
    assert story.done("nothing", "grants") == {"grants": ["same"], "grants-dataViewer": ["same"]}


def test_a_label_changes_and_every_grant_is_still_there(story: Story) -> None:
    before, found = story.datasets["first"]["labelled"], story.datasets["second"]["labelled"]
    assert found["labels"]["team"] == "b"
    for entry in (*before["access"], BY_HAND):
        assert entry in found["access"]
    unchanged = [["same"]] * 4
    assert list(story.done("refreshed", "labelled").values()) == unchanged
    assert list(story.done("nothing", "labelled").values()) == unchanged


def test_replaced_by_another_name(story: Story) -> None:
    assert story.datasets["first"].keys() & {"name_one", "name_two"} == {"name_one"}
    assert story.datasets["second"].keys() & {"name_one", "name_two"} == {"name_two"}


def test_account_changes_in_place_and_is_switched_off(story: Story) -> None:
    found = story.account
    assert (found["displayName"], found.get("description", ""), found["disabled"]) == ("second", "", True)
    assert story.done("second", "changes") == {"changes": ["update"]}
    assert story.done("third", "changes") == {"changes": ["update"]}
    assert story.done("nothing", "changes") == {"changes": ["same"]}


def test_drift_is_seen_and_mended(story: Story) -> None:
    assert story.done("refresh", "drifts") == {"drifts": ["update"]}
    outputs = story.outputs["before"]["drifts"]["outputs"]
    assert (outputs["description"], outputs["labels"]) == ("theirs", {"a": "9"})
    assert story.done("drift", "drifts") == {"drifts": ["update"]}
    found = story.datasets["second"]["drifts"]
    assert (found["description"], found["labels"]["a"]) == ("ours", "1")


def test_gone_is_created_again(story: Story) -> None:
    assert story.done("refresh", "vanishes") == {"vanishes": ["delete"], "vanishes-grant": ["delete"]}
    assert not {"vanishes", "vanishes-grant"} & story.outputs["before"].keys()
    assert "vanishes" in story.datasets["second"]
    assert story.members["second"][VANISHES] == {ROBOT}


def test_delete_of_what_is_gone(story: Story) -> None:
    assert story.done("destroy", "vanished") == {"vanished": ["delete"], "vanished-grant": ["delete"]}
    assert story.outputs["after"] == {}


def test_others_in_the_role_stay(story: Story) -> None:
    assert story.members["first"][SHARED] == {ROBOT, OTHER}
    assert story.members["destroy"][SHARED] == {OTHER}


def test_many_grants_at_once(story: Story) -> None:
    assert story.members["first"][MANY] == set(MEMBERS)
    assert story.members["destroy"][MANY] == set()


def _change_policy(google: Google, change: Callable[[list[dict[str, Any]]], None]) -> None:
    """Change the project's grants, as somebody in the console might."""
    policy = google.call("POST", f"/v1/projects/{PROJECT}:getIamPolicy", {})
    change(policy["bindings"])
    google.call("POST", f"/v1/projects/{PROJECT}:setIamPolicy", {"policy": policy})


def _vanish(google: Google, dataset: str, role: str) -> None:
    """Delete the dataset, and take the role from everyone."""
    google.call("DELETE", google.dataset(dataset))
    _change_policy(google, lambda bindings: bindings.remove(next(b for b in bindings if b["role"] == role)))
