"""Jobs and uploads: whose they are, how they are passed on, and what the log says of them."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from local.google import errors
from tests.local.google.world import DATASETS, PROJECT, message

if TYPE_CHECKING:
    from tests.local.google.fake_bigquery import FakeBigQuery
    from tests.local.google.world import World

JOBS = f"/bigquery/v2/projects/{PROJECT}/jobs"
QUERIES = f"/bigquery/v2/projects/{PROJECT}/queries"
UPLOADS = f"/upload{JOBS}"
JOB_USER = "roles/bigquery.jobUser"
JOB = {"jobReference": {"projectId": PROJECT, "jobId": "j-1", "location": "US"}, "status": {"state": "DONE"}}
LOAD = {
    "configuration": {"load": {"destinationTable": {"projectId": PROJECT, "datasetId": "d", "tableId": "t"}}},
    "jobReference": {"location": "EU"},
}


@pytest.fixture(autouse=True)
def _answers(bigquery: FakeBigQuery) -> None:
    bigquery.answers[JOBS] = JOB | {"jobs": [JOB]}
    bigquery.answers[f"{JOBS}/j-1"] = JOB
    bigquery.answers[f"{QUERIES}/j-1"] = {"rows": []}


def insert(world: World, token: str | None = None, sql: str = "select 1") -> dict[str, Any]:
    body = {"configuration": {"query": {"query": sql}}, "jobReference": {"jobId": "j-1", "location": "EU"}}
    return dict(world.ok("POST", JOBS, token, json=body))


def test_job_says_whose_and_where_it_is(world: World) -> None:
    job = insert(world)
    assert (job["user_email"], job["jobReference"]["location"]) == ("owner@example.com", "EU")
    assert world.ok("GET", f"{JOBS}/j-1")["jobReference"]["location"] == "EU"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"{JOBS}/j-1"),
        ("GET", f"{QUERIES}/j-1"),
        ("POST", f"{JOBS}/j-1/cancel"),
        ("GET", f"{DATASETS}/_bqemu_anonymous/tables/anonj1"),
        ("GET", f"{DATASETS}/_bqemu_anonymous/tables/anonj1/data"),
    ],
)
def test_job_is_its_owners(world: World, method: str, path: str) -> None:
    token = world.token(JOB_USER)
    insert(world, token)
    assert world.call(method, path, token).is_success
    assert world.call(method, path).is_success
    assert "Access Denied" in message(world.call(method, path, world.token(JOB_USER)), 403)


def test_rows_of_others_cannot_be_written(world: World) -> None:
    token = world.token(JOB_USER)
    insert(world, token)
    assert message(world.call("DELETE", f"{DATASETS}/_bqemu_anonymous/tables/anonj1", token), 403)


def test_list_holds_ones_own_jobs(world: World) -> None:
    token = world.token(JOB_USER)
    insert(world, token)
    assert len(world.ok("GET", JOBS, token)["jobs"]) == 1
    assert world.ok("GET", JOBS)["jobs"] == []
    assert len(world.ok("GET", JOBS, params={"allUsers": "true"})["jobs"]) == 1
    assert message(world.call("GET", JOBS, token, params={"allUsers": "true"}), 403)


def test_list_holds_neither_the_gateways_own_queries_nor_dry_runs(
    world: World, bigquery: FakeBigQuery
) -> None:
    world.dataset("d")
    expiring = (
        "create table d.t (x int64) options (expiration_timestamp = timestamp_add(now, interval 1 hour))"
    )
    bigquery.answers[QUERIES] = {"rows": [{"f": [{"v": "1"}]}]}
    insert(world, sql=expiring.replace("now", "current_timestamp()"))
    asked = [json.loads(one.content) for one in bigquery.seen if one.url.path == QUERIES]
    assert len(asked) == 1
    kept = [
        {"query": asked[0]},
        {"query": {"query": "select 1"}},
        {"query": {}, "dryRun": True},
        {"load": {}},
    ]
    bigquery.answers[JOBS] = {"jobs": [JOB | {"configuration": one} for one in kept]}
    listed = world.ok("GET", JOBS, params={"allUsers": "true"})["jobs"]
    assert [job["configuration"] for job in listed] == [kept[1], kept[3]]


def test_failed_query_is_an_error(world: World, bigquery: FakeBigQuery) -> None:
    failure = {"reason": "notFound", "message": "Not found: Table x"}
    content = json.dumps({"errors": [failure]}, separators=(",", ":"))
    bigquery.answers[QUERIES] = httpx.Response(200, text=content)
    answer = world.query("select * from d.t")
    assert message(answer, 404) == "Not found: Table x"
    assert answer.json()["error"]["errors"][0]["reason"] == "notFound"


def test_why_a_job_was_refused_is_told_to_who_asks_later(world: World, bigquery: FakeBigQuery) -> None:
    refusal = errors.invalid("Unrecognized name: x")
    bigquery.answers[JOBS] = httpx.Response(400, json=refusal.body())
    bigquery.answers[f"{QUERIES}/j-1"] = httpx.Response(404, json=errors.not_found("Not found: job").body())
    sent = {"configuration": {"query": {"query": "select x"}}, "jobReference": {"jobId": "j-1"}}
    assert message(world.call("POST", JOBS, json=sent), 400) == refusal.message
    assert message(world.call("GET", f"{QUERIES}/j-1"), 400) == refusal.message
    failed = world.ok("GET", f"{JOBS}/j-1")["status"]
    assert failed["state"] == "DONE"
    assert failed["errorResult"] == {"reason": refusal.reason, "message": refusal.message}


def test_why_a_job_has_failed_is_told_to_who_asks_for_its_rows(world: World, bigquery: FakeBigQuery) -> None:
    error = {"reason": "invalidQuery", "message": "Division by zero"}
    job = {"jobReference": {"jobId": "j-1"}, "status": {"state": "DONE", "errorResult": error}}
    bigquery.answers[JOBS] = httpx.Response(200, json=job)
    bigquery.answers[f"{QUERIES}/j-1"] = httpx.Response(404, json=errors.not_found("Not found: job").body())
    sent = {"configuration": {"query": {"query": "select 1 / 0"}}, "jobReference": {"jobId": "j-1"}}
    assert world.ok("POST", JOBS, json=sent)["status"]["errorResult"] == error
    assert message(world.call("GET", f"{QUERIES}/j-1"), 400) == error["message"]
    assert world.ok("GET", f"{JOBS}/j-1")["status"] == job["status"]


def test_failed_view_is_not_noted(world: World, bigquery: FakeBigQuery) -> None:
    for name in ("d", "e"):
        world.dataset(name)
    bigquery.answers[JOBS] = JOB | {"status": {"state": "DONE", "errorResult": {"reason": "invalid"}}}
    insert(world, sql="create view e.v as select * from d.t")
    assert world.query("select * from e.v", world.token(JOB_USER, e="READER")).is_success


@pytest.mark.parametrize(
    ("then", "code"),
    [
        ("drop table d.temporary", 200),
        ("if true then drop table d.temporary; end if", 200),
        ("alter table d.other set options(description='x')", 404),
    ],
)
def test_a_script_may_drop_what_it_has_made(
    world: World, bigquery: FakeBigQuery, then: str, code: int
) -> None:
    world.dataset("d")
    for name in ("temporary", "other"):
        gone = httpx.Response(404, json={"error": {"message": "Not found: Table"}})
        bigquery.answers[f"{DATASETS}/d/tables/{name}"] = gone
    bigquery.answers[JOBS] = JOB
    made = "create table d.temporary options(expiration_timestamp=timestamp '2030-01-01') as select 1 as x"
    sql = f"{made}; {then}"
    bigquery.answers[QUERIES] = {"rows": [{"f": [{"v": "7"}]}]}
    body = {"configuration": {"query": {"query": sql}}}
    assert world.call("POST", JOBS, json=body).status_code == code
    assert world.query(sql).status_code == code


def test_caller_is_bigquerys_session_user(world: World, bigquery: FakeBigQuery) -> None:
    email = world.account()
    world.grant(email, JOB_USER)
    token = world.sign_in(world.key(email))
    body = {"configuration": {"query": {"query": "select 1"}}}
    world.ok("POST", JOBS, token, json=body, headers={"X-Bqemu-Caller": "user:boss@example.com"})
    assert bigquery.seen[-1].headers["x-bqemu-caller"] == f"serviceAccount:{email}"
    assert "authorization" not in bigquery.seen[-1].headers


def start(world: World, bigquery: FakeBigQuery, token: str | None = None) -> httpx.Response:
    url = f"http://bigquery.test{UPLOADS}?uploadType=resumable&upload_id=u1"
    headers = {"Location": url, "X-GUploader-UploadID": "u1"}
    bigquery.answers[UPLOADS] = httpx.Response(200, headers=headers)
    sent = {"X-Upload-Content-Type": "*/*"}
    return world.call("POST", UPLOADS, token, params={"uploadType": "resumable"}, json=LOAD, headers=sent)


def test_resumable_upload_stays_on_the_gateway(world: World, bigquery: FakeBigQuery) -> None:
    world.dataset("d")
    answer = start(world, bigquery)
    location = f"http://127.0.0.1:19050{UPLOADS}?uploadType=resumable&upload_id=u1"
    assert answer.headers["location"] == location
    assert bigquery.seen[-1].headers["x-upload-content-type"] == "*/*"
    bigquery.answers[UPLOADS] = JOB
    job = world.ok("PUT", location, content=b"1,2", headers={"Content-Range": "bytes 0-2/3"})
    assert (job["jobReference"]["location"], job["user_email"]) == ("EU", "owner@example.com")
    assert bigquery.seen[-1].headers["content-range"] == "bytes 0-2/3"
    assert bigquery.seen[-1].content == b"1,2"


def test_part_of_an_upload_asks_for_more(world: World, bigquery: FakeBigQuery) -> None:
    world.dataset("d")
    start(world, bigquery)
    bigquery.answers[UPLOADS] = httpx.Response(308, headers={"Range": "bytes=0-9"})
    answer = world.call("PUT", UPLOADS, params={"upload_id": "u1"}, content=b"0123456789")
    assert (answer.status_code, answer.headers["range"]) == (308, "bytes=0-9")


def test_upload_is_its_callers(world: World, bigquery: FakeBigQuery) -> None:
    world.dataset("d")
    start(world, bigquery)
    token = world.token(JOB_USER, d="WRITER")
    assert message(world.call("PUT", UPLOADS, token, params={"upload_id": "u1"}, content=b"1"), 404)


def multipart(job: object) -> dict[str, Any]:
    head = f'--B\r\ncontent-type: application/json; charset="UTF-8"\r\n\r\n{json.dumps(job)}\r\n--B\r\n'
    content = head.encode() + b"content-type: */*\r\n\r\n1,2\r\n--B--"
    headers = {"content-type": b'multipart/related; boundary="B"'}
    return {"content": content, "headers": headers, "params": {"uploadType": "multipart"}}


def test_multipart_upload_passes_whole(world: World, bigquery: FakeBigQuery) -> None:
    world.dataset("d")
    bigquery.answers[UPLOADS] = JOB
    sent = multipart(LOAD)
    assert world.ok("POST", UPLOADS, **sent)["jobReference"]["location"] == "EU"
    assert bigquery.seen[-1].content == sent["content"]


def test_upload_needs_the_editors_role(world: World, bigquery: FakeBigQuery) -> None:
    world.dataset("d")
    token = world.token(JOB_USER, d="READER")
    before = len(bigquery.seen)
    assert "roles/bigquery.dataEditor" in message(world.call("POST", UPLOADS, token, **multipart(LOAD)), 403)
    assert message(world.call("POST", UPLOADS, token, params={"uploadType": "resumable"}, json=LOAD), 403)
    assert len(bigquery.seen) == before


@pytest.mark.parametrize("job", [[], {}, {"configuration": {"query": {"query": "select 1"}}}])
def test_upload_of_no_load_is_refused(world: World, job: object) -> None:
    assert message(world.call("POST", UPLOADS, **multipart(job)), 400)
    garbled: dict[str, Any] = {
        "content": b"--B",
        "headers": {"content-type": "multipart/related; boundary=B"},
    }
    assert message(world.call("POST", UPLOADS, params={"uploadType": "multipart"}, **garbled), 400)
    assert message(world.call("POST", UPLOADS, params={"uploadType": "media"}, json=job), 400)


@pytest.mark.parametrize("path", ["/nothing", f"{DATASETS}/d/tables/t/nothing", "/v1/projects/p/nothing"])
def test_unknown_path_is_googles_404(world: World, path: str) -> None:
    assert "is not served here" in message(world.call("GET", path), 404)


def test_log_tells_who_did_what_and_no_secret(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    world.dataset("d")
    key = world.key(world.account())
    token = world.sign_in(key)
    message(world.query("select 'a-secret-value'", token), 403)
    assert f"POST {QUERIES} 403 {key['client_email']}" in caplog.text
    for secret in (token, world.owner_token, key["private_key"].splitlines()[1], "a-secret-value"):
        assert secret not in caplog.text


@pytest.mark.parametrize("location", ["US", "europe-west1"])
def test_a_dataset_elsewhere_is_not_found(world: World, location: str) -> None:
    world.dataset("d")
    where = {"location": location}
    for path, body in (
        (QUERIES, {"query": "select * from d.t"} | where),
        (JOBS, {"configuration": {"query": {"query": "create table d.t (a int64)"}}, "jobReference": where}),
        (f"{UPLOADS}?uploadType=resumable", LOAD | {"jobReference": where}),
    ):
        answer = world.call("POST", path, json=body)
        assert message(answer, 404) == f"Not found: Dataset {PROJECT}:d was not found in location {location}"
    assert world.call("POST", QUERIES, json={"query": "select 1", "location": "eu"}).is_success


def test_datasets_of_two_places_meet_in_no_query(world: World) -> None:
    world.dataset("d")
    world.ok("POST", DATASETS, json={"datasetReference": {"datasetId": "far"}, "location": "US"})
    answer = world.query("select * from d.t join far.t using (id)")
    assert "far was not found in location EU" in message(answer, 404)


def test_names_in_another_case_are_other_names(world: World, bigquery: FakeBigQuery) -> None:
    world.dataset("d")
    table = {"tableReference": {"projectId": PROJECT, "datasetId": "d", "tableId": "Orders"}}
    missing = httpx.Response(404, json={"error": {"message": "no table"}})
    bigquery.answers[f"{DATASETS}/d/tables"] = {"tables": [table]}
    bigquery.answers[f"{DATASETS}/d/tables/orders"] = missing
    assert f"Dataset {PROJECT}:D was not found" in message(world.query("select * from D.Orders"), 404)
    assert f"Table {PROJECT}:d.orders was not found" in message(world.query("select * from d.orders"), 404)
    assert world.query("select ORDERS.id from d.Orders as orders").is_success
    # Once it is made, the emulator knows it.
    bigquery.answers[f"{DATASETS}/d/tables/orders"] = table | {"schema": {"fields": []}}
    assert world.query("create table d.orders as select 1 as id; select * from d.orders").is_success
