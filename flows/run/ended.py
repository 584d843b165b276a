"""How a flow run ended, told to Prefect for certain, whoever has started it.

The command line settles its own run (`own_run`). A worker's run ends within Prefect's engine: if Prefect is
away then, the engine, which waits for about a minute, calls it failed, or the worker calls it crashed. So the
flow waits for Prefect before it ends; and a file tells the next run of the target how it ended, until Prefect
is known to know.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import StateType
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings
from prefect.states import Completed, Crashed, Failed

from flows.run import task_runs
from flows.run.holding.slot import ALIVE
from flows.target import prefect_api

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from prefect import Flow
    from prefect.client.schemas.objects import FlowRun, State

FILE_NAME = "ended.json"
# A run that waits holds no target any more, but it keeps the deployment's next run in the queue.
PATIENCE_SECONDS = 1800.0
_PAUSE = 2.0
# What Prefect, its engine or a worker may take a run for whose end they have not heard.
_UNHEARD = {StateType.RUNNING, StateType.PENDING, StateType.FAILED, StateType.CRASHED}
_kept: dict[UUID, tuple[Path, str]] = {}


def wait_for_prefect(flow_run: UUID, say: Callable[[str], None], patience: float | None = None) -> bool:
    """Wait until Prefect answers about the flow run; say whether it does.

    Gives up after ``patience`` seconds, half an hour if not given. Costs one request if all is well.
    """
    deadline = time.monotonic() + (PATIENCE_SECONDS if patience is None else patience)
    said = False
    while True:
        try:
            with (
                temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}),
                get_client(sync_client=True) as client,
            ):
                client.read_flow_run(flow_run)
        except prefect_api.LOST as error:
            if not prefect_api.is_away(error):
                return True
        else:
            return True
        if time.monotonic() > deadline:
            return False
        if not said:
            said = True
            say("dbt has ended; waiting for Prefect, which is away, to tell it so")
        time.sleep(_PAUSE)


def keep(directory: Path, flow_run: UUID, message: str, *, well: bool) -> None:
    """Note in the target's directory how a flow run has ended, until `prefect_knows` is called."""
    state = StateType.COMPLETED if well else StateType.FAILED
    note = {"flow_run": str(flow_run), "state": state.value, "message": message}
    path = directory / FILE_NAME
    path.write_text(json.dumps(note), encoding="utf-8")
    _kept[flow_run] = path, state.value


def prefect_knows(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:  # noqa: ARG001 - Prefect's names
    """Forget the note, if Prefect holds what it says. One of Prefect's hooks for the state of a flow run."""
    path, kept = _kept.pop(flow_run.id, (None, None))
    # Another run of the target may have left its own by now.
    if path is not None and kept == state.type.value and _read(path).get("flow_run") == str(flow_run.id):
        path.unlink(missing_ok=True)


def tell_of_last(directory: Path, flow_run: UUID) -> None:
    """Tell Prefect how the last run of the target ended, if it did not hear of that.

    ``flow_run`` is this one. A Prefect that is away is no matter: the note stays for the next run.
    """
    path = directory / FILE_NAME
    note = _read(path)
    if not note:
        return
    with suppress(*prefect_api.LOST), get_client(sync_client=True) as client:
        last = UUID(note["flow_run"])
        if last != flow_run:
            with suppress(ObjectNotFound):
                held = client.read_flow_run(last).state
                if held and held.type in _UNHEARD and held.type.value != note["state"]:
                    end = Completed if note["state"] == StateType.COMPLETED.value else Failed
                    state: State[Any] = end(message=f"{note['message']} (told by the next run of the target)")
                    client.set_flow_run_state(last, state, force=True)
                    task_runs.settle(client, last, looks=1)
        path.unlink(missing_ok=True)


def mark_crashed(flow_run: str, why: str) -> bool:
    """Set the state of a flow run whose process has died, if Prefect still takes it for running.

    Says whether Prefect has answered.
    """
    with suppress(*prefect_api.LOST), get_client(sync_client=True) as client:
        with suppress(ObjectNotFound):
            found = client.read_flow_run(UUID(flow_run))
            if found.state and found.state.type in ALIVE:
                crashed: State[Any] = Crashed(message=f"The run ended without a word: {why}.")
                client.set_flow_run_state(found.id, crashed, force=True)
                task_runs.settle(client, found.id, looks=1)
        return True
    return False


def _read(path: Path) -> dict[str, str]:
    try:
        found: Any = json.loads(path.read_text(encoding="utf-8"))
        return {key: str(found[key]) for key in ("flow_run", "state", "message")}
    except (OSError, ValueError, KeyError, TypeError):
        return {}  # there is none, or it was torn by a crash
