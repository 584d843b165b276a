"""What the emulator does with its connections, in its own Python: DuckDB's, and those of its callers."""

from __future__ import annotations

import subprocess

import httpx

from tests.gateway import EMULATOR_PYTHON


def said(code: str) -> list[str]:
    """The lines that a program prints in the emulator's Python."""
    done = subprocess.run(
        [EMULATOR_PYTHON, "-c", code], check=False, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


WHILE_ANOTHER_IS_UNDONE = """
import threading, duckdb
from local.emulator import sessions
database = duckdb.connect()
stopped, next_one = database.cursor(), database.cursor()
stopped.execute("begin")
stopped.execute("create table t as select 1 as a")
execute = sessions._after_what_is_undone(lambda session, sql, _: session.execute(sql))
undone = threading.Timer(0.2, stopped.rollback)
undone.start()
execute(next_one, "create table t as select 3 as a")
undone.join()
print(database.sql("from t").fetchall())
"""


def test_a_statement_waits_until_a_stopped_one_is_undone() -> None:
    # The line above it is the emulator's log.
    assert said(WHILE_ANOTHER_IS_UNDONE)[-1:] == ["[(3,)]"]


WHILE_THE_SERVER_READS = """
import threading, types, duckdb
from local.emulator import javascript
engine = types.SimpleNamespace(_connection=duckdb.connect())
def made(_self, routine, engine):
    engine.connection.create_function(routine.routine_id, lambda: 7, [], engine.connection.type("BIGINT"))
make = javascript._made(made)
def meanwhile(value: int) -> int:
    routine = types.SimpleNamespace(routine_id=f"f{value}", definition_body="")
    job = threading.Thread(target=make, args=(None, routine, engine))
    job.start()
    job.join(60)
    return value
engine._connection.create_function("meanwhile", meanwhile)
print(engine._connection.execute("select sum(meanwhile(i)) from range(3) r(i)").fetchall())
print(engine._connection.execute("select f0() + f2()").fetchall())
"""


def test_a_job_makes_a_function_while_the_server_reads_what_is_its_own() -> None:
    assert said(WHILE_THE_SERVER_READS)[-2:] == ["[(3,)]", "[(14,)]"]


CLOSED_AFTER = """
import bqemulator.server
from local.emulator import serve
serve.listen_on("bigquery.sock")
print(bqemulator.server.uvicorn.Config(None).timeout_keep_alive)
"""


def test_an_idle_connection_is_closed_by_the_gateway_and_not_under_its_request() -> None:
    closed_by_gateway = httpx.Limits().keepalive_expiry
    assert closed_by_gateway is not None
    assert float(said(CLOSED_AFTER)[-1]) > 2 * closed_by_gateway
