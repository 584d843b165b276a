"""Who may do what in BigQuery: every role against every kind of request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.local.google.world import DATASETS, PROJECT, message

if TYPE_CHECKING:
    from tests.local.google.fake_bigquery import FakeBigQuery
    from tests.local.google.world import World

JOBS = f"/bigquery/v2/projects/{PROJECT}/jobs"
TABLE = {"projectId": PROJECT, "datasetId": "d", "tableId": "t"}
COPY = {"sourceTable": {"datasetId": "e", "tableId": "t"}, "destinationTable": TABLE}

# What is tried: method, path, body.
Try = tuple[str, str, dict[str, object] | None]
LOOK: Try = ("GET", f"{DATASETS}/d", None)
LIST: Try = ("GET", f"{DATASETS}/d/tables", None)
READ: Try = ("GET", f"{DATASETS}/d/tables/t/data", None)
SELECT: Try = ("POST", JOBS, {"configuration": {"query": {"query": "select * from d.t"}}})
INSERT: Try = ("POST", JOBS, {"configuration": {"query": {"query": "insert d.t values (1)"}}})
CREATE: Try = ("POST", JOBS, {"configuration": {"query": {"query": "create table d.u as select 1 as x"}}})
LOAD: Try = ("POST", JOBS, {"configuration": {"load": {"destinationTable": TABLE}}})
UNREADABLE: Try = (
    "POST",
    JOBS,
    {"configuration": {"query": {"query": "alter table d.t add column x int64, drop column y"}}},
)
DELETE_TABLE: Try = ("DELETE", f"{DATASETS}/d/tables/t", None)
PATCH_TABLE: Try = ("PATCH", f"{DATASETS}/d/tables/t", {"description": "x"})
STREAM_IN: Try = ("POST", f"{DATASETS}/d/tables/t/insertAll", {"rows": []})
PATCH: Try = ("PATCH", f"{DATASETS}/d", {"description": "x"})
NEW_DATASET: Try = ("POST", DATASETS, {"datasetReference": {"datasetId": "another"}})
NOTHING: Try = ("POST", JOBS, {"configuration": {"query": {"query": "select 1"}}})

LOOKS: list[Try] = [LOOK, LIST]
READS: list[Try] = [*LOOKS, READ, SELECT]
EDITS: list[Try] = [*READS, INSERT, CREATE, LOAD, UNREADABLE, DELETE_TABLE, PATCH_TABLE, STREAM_IN]
ALL: list[Try] = [*EDITS, PATCH, NEW_DATASET, NOTHING]

JOB_USER = "roles/bigquery.jobUser"
MATRIX: list[tuple[list[str], str | None, list[Try]]] = [
    ([], None, []),
    ([JOB_USER], None, [NOTHING]),
    ([JOB_USER], "roles/bigquery.metadataViewer", [*LOOKS, NOTHING]),
    ([JOB_USER], "roles/bigquery.dataViewer", [*READS, NOTHING]),
    ([JOB_USER], "READER", [*READS, NOTHING]),
    ([JOB_USER], "roles/bigquery.dataEditor", [*EDITS, NOTHING]),
    ([JOB_USER], "WRITER", [*EDITS, NOTHING]),
    ([JOB_USER], "OWNER", [*EDITS, PATCH, NOTHING]),
    ([JOB_USER], "roles/bigquery.dataOwner", [*EDITS, PATCH, NOTHING]),
    ([], "roles/bigquery.dataViewer", [*LOOKS, READ]),
    ([], "roles/bigquery.dataEditor", [*LOOKS, READ, DELETE_TABLE, PATCH_TABLE, STREAM_IN]),
    (["roles/bigquery.user"], None, [*LOOKS, NEW_DATASET, NOTHING]),
    (["roles/bigquery.dataViewer"], None, [*LOOKS, READ]),
    (["roles/bigquery.dataViewer", JOB_USER], None, [*READS, NOTHING]),
    (["roles/bigquery.dataEditor", JOB_USER], None, [*EDITS, NEW_DATASET, NOTHING]),
    (["roles/bigquery.admin"], None, ALL),
    (["roles/owner"], None, ALL),
    (["roles/editor"], None, [*EDITS, NEW_DATASET, NOTHING]),
    (["roles/viewer"], None, [*READS, NOTHING]),
]


@pytest.mark.parametrize(("on_project", "on_dataset", "allowed"), MATRIX)
def test_role_opens_just_what_it_should(
    world: World, on_project: list[str], on_dataset: str | None, allowed: list[Try]
) -> None:
    world.dataset("d")
    token = world.token(*on_project, **({"d": on_dataset} if on_dataset else {}))
    opened = []
    for tried in ALL:
        method, path, body = tried
        answer = world.call(method, path, token, json=body)
        if answer.status_code != 403:
            assert answer.is_success, answer.text
            opened.append(tried)
        else:
            assert "lacks the role roles/" in message(answer, 403)
    assert opened == [tried for tried in ALL if tried in allowed]


def test_missing_job_user_is_named(world: World) -> None:
    words = message(world.query("select 1", world.token()), 403)
    assert words.startswith(
        f"Access Denied: Project {PROJECT}: User does not have bigquery.jobs.create permission "
        f"in project {PROJECT}."
    )
    assert JOB_USER in words


def test_missing_viewer_is_named(world: World) -> None:
    world.dataset("d")
    words = message(world.query("select * from d.t", world.token(JOB_USER)), 403)
    assert words.startswith(
        f"Access Denied: Table {PROJECT}:d.t: User does not have permission to query table {PROJECT}:d.t"
    )
    assert f"roles/bigquery.dataViewer on dataset {PROJECT}:d" in words


def test_refused_request_never_reaches_bigquery(world: World, bigquery: FakeBigQuery) -> None:
    world.dataset("d")
    token = world.token(JOB_USER)
    before = len(bigquery.seen)
    assert message(world.query("drop table d.t", token), 403)
    assert len(bigquery.seen) == before


def test_copy_needs_both_ends(world: World) -> None:
    world.dataset("d")
    world.dataset("e")
    body = {"configuration": {"copy": COPY}}
    assert ":e.t" in message(world.call("POST", JOBS, world.token(JOB_USER, d="WRITER"), json=body), 403)
    assert ":d.t" in message(world.call("POST", JOBS, world.token(JOB_USER, e="READER"), json=body), 403)
    assert world.ok("POST", JOBS, world.token(JOB_USER, d="WRITER", e="READER"), json=body)


def test_destination_table_is_a_write(world: World) -> None:
    world.dataset("d")
    query = {"query": "select 1 as x", "destinationTable": TABLE}
    body = {"configuration": {"query": query}}
    assert message(world.call("POST", JOBS, world.token(JOB_USER, d="READER"), json=body), 403)
    assert world.ok("POST", JOBS, world.token(JOB_USER, d="WRITER"), json=body)


def test_sql_that_may_do_anything_needs_the_whole_project(world: World) -> None:
    world.dataset("d")
    sql = "execute immediate 'drop table ' || 'd.t'"
    assert f"Project {PROJECT}" in message(world.query(sql, world.token(JOB_USER, d="OWNER")), 403)
    assert world.query(sql).is_success


def test_legacy_sql_is_not_let_through(world: World) -> None:
    body = {"configuration": {"query": {"query": "select * from [d.t]", "useLegacySql": True}}}
    assert "Legacy SQL" in message(world.call("POST", JOBS, json=body), 400)


def test_view_needs_what_it_refers_to(world: World) -> None:
    for name in ("d", "e"):
        world.dataset(name)
    world.query("create view e.v as select * from d.t").raise_for_status()
    reader = world.token(JOB_USER, e="READER")
    assert f"{PROJECT}:d.t" in message(world.query("select * from e.v", reader), 403)
    assert message(world.call("GET", f"{DATASETS}/e/tables/v/data", reader), 403)
    assert world.query("select * from e.v", world.token(JOB_USER, d="READER", e="READER")).is_success


def test_a_grant_on_a_table_opens_just_that(world: World) -> None:
    world.dataset("d")
    email = world.account()
    world.grant(email, JOB_USER)
    token = world.sign_in(world.key(email))
    assert message(world.query("select * from d.t", token), 403)
    viewer = "`roles/bigquery.dataViewer`"
    world.query(f"grant {viewer} on table d.t to 'serviceAccount:{email}'").raise_for_status()
    assert world.query("select * from d.t", token).is_success
    assert message(world.query("select * from d.other", token), 403)
    assert message(world.query("insert d.t values (1)", token), 403)
    world.query(f"revoke {viewer} on table d.t from 'serviceAccount:{email}'").raise_for_status()
    assert message(world.query("select * from d.t", token), 403)
    refused = world.query(f"grant `roles/invalid` on table d.t to 'serviceAccount:{email}'")
    assert "Role roles/invalid is not supported for this resource" in message(refused, 400)
    refused = world.query(f"grant {viewer} on table d.t to 'somebody'")
    assert "of an unknown type" in message(refused, 400)


def test_view_of_a_view_needs_the_last_of_them(world: World) -> None:
    for name in ("d", "e", "f"):
        world.dataset(name)
    world.query(
        "create view e.v as select * from d.t; create view f.w as select * from e.v"
    ).raise_for_status()
    token = world.token(JOB_USER, e="READER", f="READER")
    assert f"{PROJECT}:d.t" in message(world.query("select * from f.w", token), 403)


@pytest.mark.parametrize(
    "entry",
    [
        {"view": {"projectId": PROJECT, "datasetId": "e", "tableId": "v"}},
        {"dataset": {"dataset": {"projectId": PROJECT, "datasetId": "e"}, "targetTypes": ["VIEWS"]}},
    ],
)
def test_authorised_view_needs_no_more_than_itself(world: World, entry: dict[str, object]) -> None:
    for name in ("d", "e"):
        world.dataset(name)
    access = world.ok("GET", f"{DATASETS}/d")["access"]
    world.ok("PATCH", f"{DATASETS}/d", json={"access": [*access, entry]})
    world.query("create view e.v as select * from d.t").raise_for_status()
    assert world.query("select * from e.v", world.token(JOB_USER, e="READER")).is_success


def test_view_that_became_a_table_needs_itself_only(world: World) -> None:
    for name in ("d", "e"):
        world.dataset(name)
    world.query("create view e.v as select * from d.t").raise_for_status()
    world.query("drop view e.v; create table e.v as select 1 as x").raise_for_status()
    assert world.query("select * from e.v", world.token(JOB_USER, e="READER")).is_success


def test_view_made_by_the_api_counts_and_shows_its_sql(world: World) -> None:
    for name in ("d", "e"):
        world.dataset(name)
    body = {"tableReference": {"tableId": "v"}, "view": {"query": "select * from d.t"}}
    assert message(
        world.call("POST", f"{DATASETS}/e/tables", world.token(JOB_USER, e="WRITER"), json=body), 403
    )
    world.ok("POST", f"{DATASETS}/e/tables", json=body)
    assert message(world.query("select * from e.v", world.token(JOB_USER, e="READER")), 403)
    assert world.ok("GET", f"{DATASETS}/e/tables/v")["view"]["query"] == "select * from d.t"


def test_schema_made_by_sql_belongs_to_its_maker(world: World, bigquery: FakeBigQuery) -> None:
    token = world.token("roles/bigquery.user")
    world.ok("GET", DATASETS)  # the gateway has looked at the datasets by now
    bigquery.datasets[PROJECT, "made"] = {"lastModifiedTime": "1", "location": "US"}
    assert world.query("create schema made", token).is_success
    assert world.query("create table made.t as select 1 as x", token).is_success
    assert message(world.query("select * from made.t", world.token(JOB_USER)), 403)
