"""Datasets: what the emulator loses is kept, and only who may sees or changes one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.local.google.world import ACCOUNTS, DATASETS, PROJECT, message

if TYPE_CHECKING:
    from tests.local.google.fake_bigquery import FakeBigQuery
    from tests.local.google.world import World

OWNER = {"role": "OWNER", "userByEmail": "owner@example.com"}
DEFAULT = [
    {"role": "WRITER", "specialGroup": "projectWriters"},
    {"role": "OWNER", "specialGroup": "projectOwners"},
    OWNER,
    {"role": "READER", "specialGroup": "projectReaders"},
]
EVERYTHING = {
    "friendlyName": "a",
    "description": "b",
    "labels": {"x": "y"},
    "defaultTableExpirationMs": "3600000",
    "defaultPartitionExpirationMs": "7200000",
    "maxTimeTravelHours": "48",
    "storageBillingModel": "LOGICAL",
    "defaultCollation": "und:ci",
    "isCaseInsensitive": True,
    "access": [OWNER],
}


def make(world: World, **fields: object) -> dict[str, object]:
    reference = {"datasetReference": {"projectId": PROJECT, "datasetId": "d"}}
    return dict(world.ok("POST", DATASETS, json=reference | {"location": "EU"} | fields))


def test_new_dataset_has_bigquerys_defaults(world: World) -> None:
    made = make(world)
    assert made["access"] == DEFAULT
    assert (made["id"], made["location"], made["kind"]) == (f"{PROJECT}:d", "EU", "bigquery#dataset")
    assert str(made["selfLink"]).endswith(f"{DATASETS}/d")
    assert world.ok("GET", f"{DATASETS}/d") == made


def test_every_field_is_kept(world: World) -> None:
    make(world, **EVERYTHING)
    read = world.ok("GET", f"{DATASETS}/d")
    assert {name: read[name] for name in EVERYTHING} == EVERYTHING


def test_numbers_come_back_as_strings(world: World) -> None:
    assert make(world, defaultTableExpirationMs=3600000)["defaultTableExpirationMs"] == "3600000"


def test_patch_keeps_what_it_does_not_name(world: World) -> None:
    made = make(world, **EVERYTHING)
    sent = {"description": None, "labels": {"x": None, "z": "1"}, "etag": "ignored", "kind": "ignored"}
    changed = world.ok("PATCH", f"{DATASETS}/d", json=sent)
    assert "description" not in changed
    assert changed["labels"] == {"z": "1"}
    assert changed["friendlyName"] == "a"
    assert changed["etag"] != made["etag"]
    assert changed["creationTime"] == made["creationTime"]


def test_put_replaces_all_but_access_and_location(world: World, bigquery: FakeBigQuery) -> None:
    make(world, **EVERYTHING)
    changed = world.ok("PUT", f"{DATASETS}/d", json={"friendlyName": "only", "location": "US"})
    assert "labels" not in changed
    assert (changed["friendlyName"], changed["location"], changed["access"]) == ("only", "EU", [OWNER])
    # The emulator clears a field only where it is null.
    sent = json.loads(bigquery.seen[-1].content)
    assert (sent["description"], sent["labels"]) == (None, {})


def test_if_match_guards_a_change(world: World) -> None:
    made = make(world)
    first = world.ok("PATCH", f"{DATASETS}/d", json={"description": "1"}, headers={"If-Match": made["etag"]})
    answer = world.call(
        "PATCH", f"{DATASETS}/d", json={"description": "2"}, headers={"If-Match": str(made["etag"])}
    )
    assert message(answer, 412) == "Precondition Failed"
    assert world.ok("GET", f"{DATASETS}/d") == first


def test_roles_and_members_come_back_in_one_form(world: World) -> None:
    email = world.account()
    access = [
        {"role": "roles/bigquery.dataOwner", "specialGroup": "projectOwners"},
        {"role": "roles/bigquery.dataEditor", "iamMember": f"serviceAccount:{email}"},
        {"role": "WRITER", "userByEmail": email},
        {"role": "roles/bigquery.metadataViewer", "groupByEmail": "g@example.com", "domain": ""},
    ]
    assert make(world, access=access)["access"] == [
        {"role": "OWNER", "specialGroup": "projectOwners"},
        {"role": "WRITER", "userByEmail": email},
        {"role": "roles/bigquery.metadataViewer", "groupByEmail": "g@example.com"},
    ]


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"role": "READER", "userByEmail": f"no@{PROJECT}.iam.gserviceaccount.com"}, "does not exist"),
        ({"role": "roles/bigquery.dataViewr", "userByEmail": "a@example.com"}, "not supported"),
        ({"role": "roles/bigquery.jobUser", "userByEmail": "a@example.com"}, "not supported"),
        ({"role": "roles/iam.serviceAccountUser", "userByEmail": "a@example.com"}, "not supported"),
        ({"role": "READER", "specialGroup": "everybody"}, "special group"),
        ({"role": "READER"}, "are needed"),
        ({"userByEmail": "a@example.com"}, "are needed"),
        ({"role": "READER", "userByEmail": "a@example.com", "condition": {"expression": "x"}}, "condition"),
        ("READER", "are needed"),
    ],
)
def test_bad_access_is_refused_and_changes_nothing(world: World, entry: object, words: str) -> None:
    made = make(world)
    assert words in message(world.call("PATCH", f"{DATASETS}/d", json={"access": [entry]}), 400)
    assert world.ok("GET", f"{DATASETS}/d") == made


@pytest.mark.parametrize("name", ["", "with-dash", "a.b", "x" * 1025, "é"])
def test_bad_name_is_refused(world: World, name: str) -> None:
    answer = world.call("POST", DATASETS, json={"datasetReference": {"datasetId": name}})
    assert f'Invalid dataset ID "{name}"' in message(answer, 400)


def test_second_dataset_of_the_same_name_is_refused(world: World) -> None:
    make(world)
    answer = world.call("POST", DATASETS, json={"datasetReference": {"datasetId": "d"}})
    assert message(answer, 409) == f"Already Exists: Dataset {PROJECT}:d"
    assert answer.json()["error"]["errors"][0]["reason"] == "duplicate"


def test_dataset_with_tables_is_still_in_use(world: World, bigquery: FakeBigQuery) -> None:
    make(world)
    bigquery.answers[f"{DATASETS}/d/tables"] = {"tables": [{}]}
    answer = world.call("DELETE", f"{DATASETS}/d")
    assert message(answer, 400) == f"Dataset {PROJECT}:d is still in use"
    assert answer.json()["error"]["errors"][0]["reason"] == "resourceInUse"
    world.ok("DELETE", f"{DATASETS}/d", params={"deleteContents": "true"})
    assert message(world.call("GET", f"{DATASETS}/d"), 404) == f"Not found: Dataset {PROJECT}:d"


def test_grants_do_not_outlive_a_dataset(world: World) -> None:
    make(world)
    token = world.token(d="READER")
    world.ok("DELETE", f"{DATASETS}/d")
    make(world)
    assert message(world.call("GET", f"{DATASETS}/d", token), 403)


def test_grants_do_not_outlive_an_account(world: World) -> None:
    make(world)
    email = world.account()
    world.share("d", "READER", email)
    before = world.ok("GET", f"{DATASETS}/d")
    world.ok("DELETE", f"{ACCOUNTS}/{email}")
    token = world.sign_in(world.key(world.account()))
    assert message(world.call("GET", f"{DATASETS}/d", token), 403)
    after = world.ok("GET", f"{DATASETS}/d")
    assert after["access"][-1]["iamMember"].startswith(f"deleted:serviceAccount:{email}?uid=")
    assert after["etag"] != before["etag"]


def test_list_shows_what_the_caller_may_see(world: World) -> None:
    for name in ("a", "b", "c"):
        world.dataset(name)
    token = world.token(b="READER")
    listed = world.ok("GET", DATASETS, token)["datasets"]
    assert [item["datasetReference"]["datasetId"] for item in listed] == ["b"]
    assert "access" not in listed[0]
    assert "datasets" not in world.ok("GET", DATASETS, world.token())


def test_list_comes_in_pages(world: World) -> None:
    for name in ("a", "b", "c"):
        world.dataset(name)
    first = world.ok("GET", DATASETS, params={"maxResults": "2"})
    second = world.ok("GET", DATASETS, params={"pageToken": first["nextPageToken"]})
    assert [item["id"] for item in first["datasets"] + second["datasets"]] == [
        f"{PROJECT}:{name}" for name in "abc"
    ]
    assert "nextPageToken" not in second


@pytest.mark.parametrize(
    ("method", "permission"), [("PATCH", "update"), ("PUT", "update"), ("DELETE", "delete")]
)
def test_data_editor_may_not_change_the_dataset(world: World, method: str, permission: str) -> None:
    make(world)
    token = world.token("roles/bigquery.jobUser", d="roles/bigquery.dataEditor")
    answer = world.call(method, f"{DATASETS}/d", token, json={"description": "mine"})
    words = message(answer, 403)
    assert f"bigquery.datasets.{permission} denied on dataset {PROJECT}:d" in words
    assert "roles/bigquery.dataOwner" in words


def test_creating_needs_its_role(world: World) -> None:
    body = {"datasetReference": {"datasetId": "d"}}
    words = message(world.call("POST", DATASETS, world.token("roles/bigquery.jobUser"), json=body), 403)
    assert words.startswith(f"Access Denied: Project {PROJECT}: User does not have bigquery.datasets.create")
    assert "roles/bigquery.user" in words
    assert world.ok("POST", DATASETS, world.token("roles/bigquery.user"), json=body)


def test_absent_dataset_is_not_told_from_a_closed_one(world: World) -> None:
    make(world)
    token = world.token()
    closed = message(world.call("GET", f"{DATASETS}/d", token), 403)
    assert message(world.call("GET", f"{DATASETS}/absent", token), 403)
    assert "may not exist" in closed


def test_unknown_project_is_not_found(world: World) -> None:
    answer = world.call("GET", "/bigquery/v2/projects/nowhere/datasets")
    assert message(answer, 404) == "Not found: Project nowhere"


def test_dataset_that_was_there_before_gets_default_access(world: World, bigquery: FakeBigQuery) -> None:
    bigquery.datasets[PROJECT, "old"] = {
        "datasetReference": {"projectId": PROJECT, "datasetId": "old"},
        "lastModifiedTime": "1",
        "location": "EU",
    }
    read = world.ok("GET", f"{DATASETS}/old")
    assert read["access"] == [entry for entry in DEFAULT if entry != OWNER]


def test_bigquery_down_is_one_clear_answer(world: World, bigquery: FakeBigQuery) -> None:
    make(world)

    def refuse(*_: object) -> httpx.Response:
        raise httpx.ConnectError("refused")

    bigquery._datasets = refuse  # type: ignore[method-assign, assignment]
    answer = world.call("GET", f"{DATASETS}/d")
    assert "python -m local status" in message(answer, 503)
