"""What interrupts dbt while nodes run goes through dbt's own code, which lets go of the warehouse."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from dbt.task.build import BuildTask
from dbt_common.context import set_invocation_context
from prefect.exceptions import TerminationSignal

from flows.engine.internals.stopping import interrupting


@pytest.mark.parametrize("reason", [KeyboardInterrupt(), TerminationSignal(signal=15)])
def test_dbts_own_loop_cancels_the_jobs(reason: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> bool:
        raise reason

    set_invocation_context({})
    task: Any = object.__new__(BuildTask)
    task.config, task.args = SimpleNamespace(threads=1), SimpleNamespace(write_json=False)
    task.job_queue, task.node_results, task.started_at = SimpleNamespace(empty=interrupted), [], 0.0
    adapter = SimpleNamespace(connections="these")
    monkeypatch.setattr("dbt.adapters.factory.get_adapter", lambda _config: adapter)
    monkeypatch.setattr(interrupting, "cancel_jobs", lambda jobs_of, _threads: [f"job of {jobs_of}"])
    expected = KeyboardInterrupt if isinstance(reason, KeyboardInterrupt) else SystemExit
    with interrupting.dbt_stops_its_jobs() as stopped, pytest.raises(expected):
        task.execute_nodes()
    assert stopped.reason is reason
    assert stopped.jobs == ["job of these"]
