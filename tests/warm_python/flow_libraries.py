"""What `flows` imports of Prefect and dbt, as it imports it. Of this project nothing stays loaded."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

PREFECT = (
    "prefect.artifacts",
    "prefect.concurrency",
    "prefect.context",
    "prefect.flow_engine",
    "prefect.logging.configuration",
    "prefect.task_engine",
    "prefect.telemetry.run_telemetry",
)

for _name in PREFECT:
    importlib.import_module(_name)
sys.path.insert(0, str(Path(__file__).parents[2]))
_lean_imports = importlib.import_module("flows.engine.internals.thrift.lean_imports")
# As the flow does, which finds that done.
_lean_imports.nothing_else_runs()
_lean_imports.import_dbt()
assert "dbt.adapters.bigquery" in sys.modules
# What dbt imports when it is called.
importlib.import_module("dbt.task.build")
del sys.path[0]
for _name in [_name for _name in sys.modules if _name.partition(".")[0] == "flows"]:
    del sys.modules[_name]
