"""What is loaded with Google's client, in processes of their own."""

from __future__ import annotations

import subprocess
import sys

from tests.flows.servers import ROOT


def tell(code: str) -> str:
    command = [
        sys.executable,
        "-W",
        "error",
        "-c",
        f"import sys\nfrom flows.engine.internals.thrift import lean_imports\n{code}",
    ]
    return subprocess.run(
        command, check=True, capture_output=True, text=True, cwd=ROOT, timeout=300
    ).stdout.strip()


def test_data_frames_stay_unloaded_and_can_be_loaded_later() -> None:
    code = """
lean_imports.import_bigquery()
import dbt.adapters.bigquery
print({"pandas", "pyarrow", "db_dtypes", "numpy"} & set(sys.modules))
import pandas, pyarrow
print(pandas.DataFrame({"a": [1]}).shape)
"""
    assert tell(code).splitlines() == ["set()", "(1, 1)"]


def test_what_is_loaded_already_is_used() -> None:
    code = """
import pyarrow
lean_imports.import_bigquery()
from google.cloud.bigquery import table
print(table.pyarrow is pyarrow, table.pandas, sys.modules["pyarrow"] is pyarrow)
"""
    assert tell(code) == "True None True"


def test_dbt_is_loaded_lean_and_left_alone_by_the_garbage_collector() -> None:
    code = """
import gc
lean_imports.nothing_else_runs()
collected = [one["collections"] for one in gc.get_stats()]
lean_imports.import_dbt()
print([one["collections"] for one in gc.get_stats()] == collected)
print(gc.isenabled(), gc.get_freeze_count() > 100_000)
print({"pandas", "pyarrow"} & set(sys.modules), {"dbt.cli.main", "dbt.adapters.bigquery"} <= set(sys.modules))
frozen = gc.get_freeze_count()
lean_imports.import_dbt()
print(gc.get_freeze_count() == frozen)
"""
    assert tell(code).splitlines() == ["True", "True True", "set() True", "True"]


def test_a_program_that_calls_the_flow_keeps_its_data_frames() -> None:
    code = """
import gc
lean_imports.import_dbt()
from google.cloud.bigquery import table, _pandas_helpers
import pandas
print(table.pandas is pandas, _pandas_helpers.pandas is pandas, gc.get_freeze_count(), gc.isenabled())
from dbt.adapters.bigquery import clients
print(clients.JobControllerClient is sys.modules["google.cloud.dataproc_v1"].JobControllerClient)
"""
    assert tell(code).splitlines() == ["True True 0 True", "True"]


def test_what_almost_no_run_uses_is_loaded_when_it_is_used() -> None:
    code = """
lean_imports.nothing_else_runs()
lean_imports.import_dbt()
parts = ("google.cloud.dataproc_v1", "metricflow.converters.osi_to_msi", "sqlglot", "aiohttp")
print([name for name in parts if name in sys.modules])
from dbt.adapters.bigquery import clients, python_submissions
from dbt.parser import osi
batch = python_submissions.Batch({"name": "of a Python model"})
from google.cloud import dataproc_v1
print(type(batch) is dataproc_v1.Batch, batch.name)
print(clients.JobControllerClient.from_service_account_file.__self__ is dataproc_v1.JobControllerClient)
print(type(osi.OSIToMSIConverter()).__name__)
"""
    assert tell(code).splitlines() == ["[]", "True of a Python model", "True", "OSIToMSIConverter"]
