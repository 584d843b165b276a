"""The real BigQuery client and the real emulator, through a gateway that runs as a process of its own."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from google.api_core.exceptions import (
    BadRequest,
    Conflict,
    Forbidden,
    GoogleAPICallError,
    NotFound,
    Unauthorized,
)
from google.auth.exceptions import RefreshError
from google.cloud import bigquery
from google.oauth2 import service_account
from google.oauth2.credentials import Credentials

from tests.local.google.world import ACCOUNTS, PROJECT

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from tests.local.google.clients import Setup

pytestmark = pytest.mark.real


def test_without_a_good_token_nothing_opens(setup: Setup) -> None:
    client = setup.client(Credentials("not-a-token"))
    with pytest.raises((Unauthorized, RefreshError)):
        list(client.list_datasets())


def test_without_job_user_no_query_runs(setup: Setup) -> None:
    client, _ = setup.robot(dataset_role="READER")
    with pytest.raises(Forbidden, match=r"roles/bigquery\.jobUser"):
        client.query("select 1").result()


def test_viewer_reads_and_does_not_write(setup: Setup) -> None:
    setup.load(setup.owner).result()
    client, _ = setup.robot("roles/bigquery.jobUser", "READER")
    assert [row.id for row in client.query(f"select id from `{setup.table}` order by id").result()] == [
        0,
        1,
        2,
    ]
    assert client.list_rows(setup.table).total_rows == 3
    for sql in (f"delete `{setup.table}` where true", f"drop table `{setup.table}`"):
        with pytest.raises(Forbidden, match=r"roles/bigquery\.dataEditor"):
            client.query(sql).result()
    with pytest.raises(Forbidden):
        setup.load(client).result()
    with pytest.raises(Forbidden):
        client.delete_table(setup.table)
    assert setup.owner.query_and_wait(f"select count(*) as n from `{setup.table}`").total_rows == 1


def test_editor_loads_queries_and_may_not_drop_the_dataset(setup: Setup) -> None:
    client, key = setup.robot("roles/bigquery.jobUser", "roles/bigquery.dataEditor")
    job = setup.load(client)
    job.result()
    assert (job.output_rows, job.location, job.user_email) == (3, "EU", key["client_email"])
    made = client.query(f"create or replace table {setup.dataset}.u as select * from {setup.dataset}.t")
    made.result()
    assert client.get_job(made.job_id).state == "DONE"
    with pytest.raises(Forbidden, match=r"bigquery\.datasets\.delete"):
        client.delete_dataset(setup.dataset, delete_contents=True)
    with pytest.raises(Forbidden, match=r"bigquery\.datasets\.create"):
        client.create_dataset(f"{PROJECT}.another")


def test_big_resumable_upload_arrives_whole(setup: Setup) -> None:
    job = setup.load(setup.owner, 400_000)
    job.result()
    assert job.output_rows == 400_000


def test_deleted_key_is_refused(setup: Setup) -> None:
    client, key = setup.robot("roles/bigquery.jobUser")
    assert next(iter(client.query("select 1 as x").result())).x == 1
    setup.world.ok("DELETE", f"{ACCOUNTS}/{key['client_email']}/keys/{key['private_key_id']}")
    again = setup.client(
        service_account.Credentials.from_service_account_info(
            key, scopes=["https://www.googleapis.com/auth/bigquery"]
        )
    )
    with pytest.raises(RefreshError, match="invalid_grant"):
        again.query("select 1").result()


def test_session_user_is_the_caller(setup: Setup) -> None:
    client, key = setup.robot("roles/bigquery.jobUser")
    assert next(iter(client.query("select session_user() as me").result())).me == key["client_email"]


def test_listing_shows_ones_own(setup: Setup) -> None:
    client, _ = setup.robot("roles/bigquery.jobUser", "READER")
    assert [item.dataset_id for item in client.list_datasets()] == [setup.dataset]


def test_dataset_lives_through_the_real_client(setup: Setup) -> None:
    dataset = setup.owner.get_dataset(setup.dataset)
    dataset.labels = {"team": "bi"}
    dataset.default_table_expiration_ms = 3_600_000
    setup.owner.update_dataset(dataset, ["labels", "default_table_expiration_ms"])
    with pytest.raises(Exception, match="Precondition Failed"):
        setup.owner.update_dataset(dataset, ["labels"])
    read = setup.owner.get_dataset(setup.dataset)
    assert (read.labels, read.default_table_expiration_ms, read.location) == ({"team": "bi"}, 3_600_000, "EU")
    setup.load(setup.owner).result()
    with pytest.raises(BadRequest, match="is still in use"):
        setup.owner.delete_dataset(setup.dataset)
    setup.owner.delete_dataset(setup.dataset, delete_contents=True)
    with pytest.raises(NotFound):
        setup.owner.get_dataset(setup.dataset)


def test_a_view_is_deleted_and_becomes_a_table(setup: Setup) -> None:
    name = f"{PROJECT}.{setup.dataset}.v"
    setup.owner.query(f"create view {setup.dataset}.v as select 1 as x").result()
    setup.owner.delete_table(name)
    with pytest.raises(NotFound):
        setup.owner.get_table(name)
    with pytest.raises(NotFound):
        setup.owner.delete_table(name)
    setup.owner.query(f"create table {setup.dataset}.v as select 2 as x").result()
    assert setup.owner.get_table(name).table_type == "TABLE"
    setup.owner.delete_table(name)


def test_metadata_views_that_the_emulator_lacks(setup: Setup) -> None:
    setup.load(setup.owner).result()
    setup.owner.query(f"insert {setup.dataset}.t values (9, 'x')").result()
    setup.owner.query(f"create view {setup.dataset}.v as select r'\\d' as x from {setup.dataset}.t").result()
    table = setup.owner.get_table(setup.table)
    table.description = 'it\'s "quoted" \\d\nand more'
    setup.owner.update_table(table, ["description"])
    client, _ = setup.robot("roles/bigquery.jobUser", "roles/bigquery.metadataViewer")

    def rows(sql: str) -> list[tuple[object, ...]]:
        return [row.values() for row in client.query(sql).result()]

    meta = f"`{PROJECT}`.`{setup.dataset}`"
    assert rows(f"select table_id, row_count, type from {meta}.__TABLES__ order by table_id") == [
        ("t", 4, 1),
        ("v", 0, 2),
    ]
    assert rows(
        f"select json_value(option_value) from {meta}.INFORMATION_SCHEMA.TABLE_OPTIONS "
        "where option_name = 'description'"
    ) == [(table.description,)]
    assert rows(
        f"select field_path, data_type from {meta}.INFORMATION_SCHEMA.COLUMN_FIELD_PATHS "
        "where table_name = 't' order by field_path"
    ) == [("id", "INT64"), ("name", "STRING")]
    assert len(rows(f"select view_definition from {meta}.INFORMATION_SCHEMA.VIEWS")) == 1
    # For which the gateway has counted rows, as nobody's job; nor is a dry run one.
    client.query("select 'dry'", bigquery.QueryJobConfig(dry_run=True))
    jobs = setup.owner.list_jobs(all_users=True, max_results=100)
    listed = [job.query for job in jobs if isinstance(job, bigquery.QueryJob)]
    assert any("__TABLES__" in sql or "JSON_QUERY_ARRAY" in sql for sql in listed)
    assert not [sql for sql in listed if "SELECT (SELECT COUNT(*) FROM" in sql or "'dry'" in sql]


def test_a_query_above_its_limit_is_refused_before_it_runs(setup: Setup) -> None:
    setup.load(setup.owner).result()
    setup.owner.query(f"create view {setup.dataset}.v as select id from `{setup.table}`").result()
    said = r"Query exceeded limit for bytes billed: 1\. 10485760 or higher required\."
    limited = bigquery.QueryJobConfig(maximum_bytes_billed=1)
    for name in ("t", "v"):
        sql = f"create table {setup.dataset}.made as select * from {setup.dataset}.{name}"
        job = setup.owner.query(sql, job_config=limited)
        with pytest.raises(GoogleAPICallError, match=said):
            job.result()
        known = setup.owner.get_job(job.job_id)
        assert (known.state, known.error_result["reason"]) == ("DONE", "bytesBilledLimitExceeded")
        with pytest.raises(GoogleAPICallError, match=said):
            setup.owner.query_and_wait(f"select * from {setup.dataset}.{name}", job_config=limited)
    with pytest.raises(NotFound):
        setup.owner.get_table(f"{setup.dataset}.made")
    enough = bigquery.QueryJobConfig(maximum_bytes_billed=10 << 20)
    for sql, config in (("select 1", limited), (f"select * from `{setup.table}`", enough)):
        assert list(setup.owner.query(sql, job_config=config).result())
        assert list(setup.owner.query_and_wait(sql, job_config=config))


def test_log_of_the_process_holds_no_secret(setup: Setup, real_log: Path) -> None:
    client, key = setup.robot("roles/bigquery.jobUser")
    client.query("select 1").result()
    log = real_log.read_text()
    assert f" 200 {key['client_email']}" in log
    for secret in (setup.world.owner_token, "ya29.", "PRIVATE KEY", key["private_key"].splitlines()[1]):
        assert secret not in log


# More than a second on any machine, and some on a slow one.
LONG = (
    "select count(*) from unnest(generate_array(1, 400)) a, unnest(generate_array(1, 100000)) b "
    "where mod(a * 7 + b, 11) = 3"
)


def test_a_long_query_runs_while_its_caller_is_told(setup: Setup) -> None:
    job = setup.owner.query(LONG)
    assert job.state == "RUNNING"
    running = [listed.job_id for listed in setup.owner.list_jobs(state_filter="running")]
    assert running == [job.job_id]
    with pytest.raises(Conflict):
        setup.owner.query("select 1", job_id=job.job_id, job_retry=None)
    [[count]] = [tuple(row) for row in job.result()]
    assert count > 1_000_000
    assert setup.owner.get_job(job.job_id).state == "DONE"


def test_a_long_query_can_be_cancelled(setup: Setup) -> None:
    job = setup.owner.query(LONG)
    assert job.state == "RUNNING"
    job.cancel()
    with pytest.raises(GoogleAPICallError, match="cancelled"):
        job.result(retry=None)
    known = setup.owner.get_job(job.job_id)
    assert (known.state, known.error_result["reason"]) == ("DONE", "stopped")


def test_a_long_query_is_its_owners(setup: Setup) -> None:
    job = setup.owner.query(LONG)
    other, _ = setup.robot("roles/bigquery.jobUser")
    with pytest.raises(Forbidden):
        other.cancel_job(job.job_id)
    job.cancel()


# 8e15 rows.
ENDLESS = (
    "with a as (select i from unnest(generate_array(1, 200000)) i) "
    "select a.i from a left join a b on 1 = 1 left join a c on 1 = 1 left join a d on d.i >= c.i"
)


@pytest.mark.parametrize("how", ["cancelled", "timed out"])
def test_an_endless_query_ends_and_keeps_nobody_waiting(setup: Setup, how: str) -> None:
    setup.owner.create_dataset("endless", exists_ok=True)
    write = f"create or replace table endless.t as {ENDLESS}"
    limits = bigquery.QueryJobConfig(job_timeout_ms=1500) if how == "timed out" else None
    job = setup.owner.query(write, job_config=limits)
    assert next(iter(setup.owner.query_and_wait("select 1 as a"))).a == 1
    setup.owner.query_and_wait("create or replace table endless.other as select 2 as a")
    if how == "cancelled":
        job.cancel()
    with pytest.raises(GoogleAPICallError, match="Job execution was cancelled"):
        job.result(retry=None)
    # Its writer is gone: the next one need not wait, and finds nothing of it.
    setup.owner.query_and_wait("create or replace table endless.t as select 3 as a")
    assert next(iter(setup.owner.query_and_wait("select * from endless.t"))).a == 3


def test_an_endless_query_that_is_asked_for_at_once_ends_too(setup: Setup) -> None:
    limits = bigquery.QueryJobConfig(job_timeout_ms=1500)
    # Of one row, since a quick machine makes too large a result of all within that time.
    with pytest.raises(GoogleAPICallError, match=r"Job timed out after 1\.5 sec"):
        setup.owner.query_and_wait(f"select max(i) from ({ENDLESS})", job_config=limits)


def test_a_result_that_is_too_large_is_refused(setup: Setup) -> None:
    with pytest.raises(GoogleAPICallError, match="Response too large to return"):
        setup.owner.query_and_wait(ENDLESS)


def test_a_job_of_a_known_id_does_not_run_again(setup: Setup) -> None:
    setup.owner.create_dataset("twice", exists_ok=True)
    setup.owner.query_and_wait("create or replace table twice.t (a int64)")
    job = setup.owner.query("insert into twice.t values (1)")
    job.result()
    with pytest.raises(Conflict, match="Already Exists: Job"):
        setup.owner.query("insert into twice.t values (1)", job_id=job.job_id, job_retry=None)
    assert next(iter(setup.owner.query_and_wait("select count(*) as n from twice.t"))).n == 1


def test_star_is_of_the_table_that_is_named(setup: Setup) -> None:
    for name in ("near", "far"):
        setup.owner.create_dataset(name, exists_ok=True)
    setup.owner.query_and_wait(
        "create or replace table near.t as select 1 as id, struct(2 as a, 'x' as b) as s"
    )
    setup.owner.query_and_wait("create or replace table far.t as select 1 as id, 2 as other")
    sql = "select *, upper('x') as u from near.t where id in (select id from far.t)"
    assert [column.name for column in setup.owner.query_and_wait(sql).schema] == ["id", "s", "u"]


def rows_of(setup: Setup, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in setup.owner.query_and_wait(sql)]


def test_partitions_by_ingestion_time_have_their_time(setup: Setup) -> None:
    made, copied = f"{setup.dataset}.made", f"{PROJECT}.{setup.dataset}.copied"
    job = setup.owner.query(
        f"create table {made} (a int64) partition by timestamp_trunc(_PARTITIONTIME, day) options(labels=[]);"
        f"insert {made} values (1); insert {made} (_PARTITIONTIME, a) values ('2024-01-02', 2);"
        f"merge {made} t using (select timestamp '2024-01-03' as _PARTITIONTIME, 3 as a) s on false "
        "when not matched by source and date(t._PARTITIONTIME) = '2024-01-05' then delete "
        "when not matched then insert (_PARTITIONTIME, a) values (_PARTITIONTIME, a)"
    )
    job.result()
    assert rows_of(setup, f"select * from {made} order by 1") == [(1,), (2,), (3,)]
    assert rows_of(setup, f"select t.*, _PARTITIONDATE = current_date() as x from {made} t where a = 1") == [
        (1, True)
    ]
    table = setup.owner.get_table(made)
    assert [field.name for field in table.schema] == ["a"]
    assert [tuple(row.values()) for row in setup.owner.list_rows(table)] == [(1,), (2,), (3,)]
    # One that the API makes, to which a partition is copied.
    other = bigquery.Table(copied)
    other.schema = [bigquery.SchemaField("a", "INTEGER")]
    other.time_partitioning = bigquery.TimePartitioning()
    setup.owner.create_table(other)
    truncate = bigquery.CopyJobConfig(write_disposition="WRITE_TRUNCATE")
    for _ in range(2):
        setup.owner.copy_table(f"{made}$20240102", f"{copied}$20240102", job_config=truncate).result()
    assert rows_of(setup, f"select a, string(date(_PARTITIONTIME)) as d from {copied}") == [(2, "2024-01-02")]
    parts = f"select partition_id, total_rows from {setup.dataset}.INFORMATION_SCHEMA.PARTITIONS"
    assert rows_of(setup, f"{parts} where table_name = 'copied'") == [("20240102", 1)]
    with pytest.raises(BadRequest, match="Unrecognized name: _PARTITIONTIME"):
        setup.owner.query_and_wait("select _PARTITIONTIME as t from (select 1 as a)")
    with pytest.raises(BadRequest, match="can't be created with AS SELECT"):
        setup.owner.query_and_wait(f"create table {made}2 partition by _PARTITIONDATE as select 1 as a")


def test_rows_and_types_of_a_table_are_what_they_are(setup: Setup) -> None:
    name = f"{setup.dataset}.t"
    kinds = (
        "st_geogpoint(1, 2) as g, interval '1' day as i, bignumeric '1.5' as b, json '1' as j, "
        "[struct(json '2' as j)] as l, sum(1) as h, null as n"
    )
    setup.owner.query_and_wait(f"create table {name} as select {kinds}")
    table = setup.owner.get_table(name)
    wanted = ["GEOGRAPHY", "INTERVAL", "BIGNUMERIC", "JSON", "RECORD", "INTEGER", "INTEGER"]
    assert [field.field_type for field in table.schema] == wanted
    assert table.schema[4].fields[0].field_type == "JSON"
    assert rows_of(setup, f"select g from {name}") == [("POINT(1 2)",)]
    # A script, too, tells how many rows there are and since when.
    setup.owner.query(f"select 1; insert {name} select * from {name}").result()
    changed = setup.owner.get_table(name)
    assert changed.num_rows == 2
    assert changed.modified is not None
    assert table.modified is not None
    assert changed.modified > table.modified
    storage = "`region-eu`.INFORMATION_SCHEMA.TABLE_STORAGE"
    assert rows_of(
        setup,
        f"select total_rows, unix_millis(storage_last_modified_time) from {storage} "
        f"where table_schema = '{setup.dataset}'",
    ) == [(2, int(changed.modified.timestamp() * 1000))]
    given = [bigquery.SchemaField("x", "BOOL"), bigquery.SchemaField("y", "int64")]
    setup.owner.create_table(bigquery.Table(f"{PROJECT}.{setup.dataset}.given", given))
    made = setup.owner.get_table(f"{setup.dataset}.given").schema
    assert [field.field_type for field in made] == ["BOOLEAN", "INTEGER"]
    setup.owner.query_and_wait(
        f"create table {setup.dataset}.r (id int64) partition by range_bucket(id, generate_array(0, 10, 2));"
        f"insert {setup.dataset}.r values (3), (null), (99)"
    )
    parts = f"select partition_id from {setup.dataset}.INFORMATION_SCHEMA.PARTITIONS"
    found = rows_of(setup, f"{parts} where table_name = 'r' order by 1")
    assert found == [("2",), ("__NULL__",), ("__UNPARTITIONED__",)]


def test_a_table_is_given_columns_and_fields(setup: Setup) -> None:
    name = f"{setup.dataset}.t"
    setup.owner.query_and_wait(
        f"create table {name} as select struct(1 as x, struct('q' as z) as y) as s, [struct(1 as k)] as l"
    )
    setup.owner.query_and_wait(f"alter table {name} add column b string, add column c int64")
    table = setup.owner.get_table(name)
    assert [field.name for field in table.schema] == ["s", "l", "b", "c"]
    described = table.to_api_repr()["schema"]["fields"]
    new = {"name": "new", "type": "STRING"}
    described[0]["fields"][1]["fields"].append(new)
    described[1]["fields"].append(new)
    table.schema = [bigquery.SchemaField.from_api_repr(field) for field in described]
    setup.owner.update_table(table, ["schema"])
    assert rows_of(setup, f"select s.y.z, s.y.new as n, l[0].k, l[0].new as m, b from {name}") == [
        ("q", None, 1, None, None)
    ]
    with pytest.raises(BadRequest, match="Field name nope does not exist"):
        setup.owner.query_and_wait(f"select s.nope from {name}")
    with pytest.raises(BadRequest):
        setup.owner.query_and_wait(f"alter table {name} add column d string, add column b string")
    assert "d" not in [field.name for field in setup.owner.get_table(name).schema]


def test_a_column_takes_no_more_than_its_type(setup: Setup) -> None:
    name, other = f"{setup.dataset}.t", f"{setup.dataset}.loaded"
    setup.owner.query_and_wait(f"create table {name} (s string(3), b bytes(2), n numeric(5, 2), k int64)")
    setup.owner.query_and_wait(
        f"insert {name} values ('äöü', b'xy', numeric '1.005', 1), (null, null, null, 2)"
    )
    assert rows_of(setup, f"select s, cast(n as string) from {name} where k = 1") == [("äöü", "1.01")]
    assert setup.owner.get_table(name).schema[0].max_length == 3
    of_s = r"Field s: STRING\(3\) has maximum length 3 but got a value with length 4"
    for sql, said in (
        (f"insert {name} (s) values ('abcd')", of_s),
        (f"update {name} set s = 'abcd' where k = 2", of_s),
        (f"merge {name} using (select 1) on false when not matched then insert (s) values ('abcd')", of_s),
        (f"insert {name} (b) values (b'abc')", r"Field b: BYTES\(2\) has maximum length 2 but got .* 3"),
        (
            f"insert {name} (n) values (1000)",
            "1000 has too many digits for NUMERIC",
        ),
        (
            f"alter table {name} add column z string(3)",
            "can't give a length to a column",
        ),
    ):
        with pytest.raises(GoogleAPICallError, match=said):
            setup.owner.query_and_wait(sql)
    settings = bigquery.LoadJobConfig(schema=[bigquery.SchemaField("s", "STRING", max_length=3)])
    for text in ("abc\n", "abcd\n"):
        job = setup.owner.load_table_from_file(io.BytesIO(text.encode()), other, job_config=settings)
        if text == "abc\n":
            job.result()
    with pytest.raises(BadRequest, match=of_s):
        job.result()


def test_what_a_statement_would_change_is_looked_at_first(setup: Setup) -> None:
    name = f"{setup.dataset}.t"
    setup.owner.query_and_wait(f"create table {name} (id int64 not null, s string, d date, n numeric)")
    setup.owner.query_and_wait(f"insert {name} values (1, 'a', '2024-01-03', 1.5), (2, 'b', null, 2)")
    twice = "(select 1 as id, 'x' as s, true as b union all select 1, 'y', false)"
    several = "UPDATE/MERGE must match at most one source row for each target row"
    into_id = "which cannot be inserted into column id, which has type INT64"
    on_id = f"merge {name} t using {twice} u on t.id = u.id when matched"
    for sql, said in (
        (f"{on_id} then update set s = u.s", several),
        (f"update {name} t set s = u.s from {twice} u where t.id = u.id", several),
        (f"update {name} set s = 'c'", "UPDATE must have a WHERE clause"),
        (f"delete {name}", "DELETE must have a WHERE clause"),
        (f"insert {name} (id) values ('3')", f"Value has type STRING {into_id}"),
        (f"insert {name} (id) values (1.5)", f"Value has type FLOAT64 {into_id}"),
        (f"insert {name} (id, s) select s, s from {name}", f"Query column 1 has type STRING {into_id}"),
        (f"insert {name} (s) values ('a')", "Required field id cannot be null"),
        (f"insert {name} values (3, 'c')", "wrong column count; Has 2, expected 4"),
        (
            f"update {name} set id = s where true",
            "type STRING cannot be assigned to id, which has type INT64",
        ),
        (
            f"update {name} set id = '3' where true",
            "type STRING cannot be assigned to id, which has type INT64",
        ),
        (
            f"{on_id} and b then update set s = t.n",
            "type NUMERIC cannot be assigned to s, which has type STRING",
        ),
        (
            f"alter table {name} alter column s set data type bytes",
            r"\(STRING\) is assignable to the new type",
        ),
        (f"create table {name}2 as select 1", "CREATE TABLE columns must be named, but column 1 has no name"),
    ):
        with pytest.raises(BadRequest, match=said):
            setup.owner.query_and_wait(sql)
    setup.owner.query_and_wait(f"{on_id} and u.b then update set s = u.s")
    setup.owner.query_and_wait(f"delete {name} where id in (select 2)")
    assert rows_of(setup, f"select id, s from {name}") == [(1, "x")]


def test_a_column_has_its_default(setup: Setup) -> None:
    name = f"{setup.dataset}.t"
    for sql in (
        f"create table {name} (id int64 not null, n int64 default 5, s string default upper('a'))",
        f"insert into {name} (id) values (1)",
        f"alter table {name} alter column n set default 7",
        f"insert into {name} (id) values (2)",
    ):
        setup.owner.query_and_wait(sql)
    assert rows_of(setup, f"select * from {name} order by id") == [(1, 5, "A"), (2, 7, "A")]


def test_a_table_keeps_what_is_known_of_it_under_a_new_name(setup: Setup) -> None:
    name = f"{setup.dataset}.t"
    setup.owner.query_and_wait(f"create table {name} (a int64) options(description='d', labels=[('k', 'v')])")
    # As dbt does where a materialized view takes a table's place.
    setup.owner.query(
        f"alter table {name} rename to backup; create materialized view {name} as select a "
        f"from {setup.dataset}.backup"
    ).result()
    assert setup.owner.get_table(name).table_type == "MATERIALIZED_VIEW"
    backup = setup.owner.get_table(f"{setup.dataset}.backup")
    assert (backup.table_type, backup.description, backup.labels) == ("TABLE", "d", {"k": "v"})
