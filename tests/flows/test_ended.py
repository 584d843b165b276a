"""How a run ended, told to Prefect by the next run, on a real server; and a Prefect that is waited for."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings
from prefect.states import Completed, Failed

from flows.run import ended
from flows.run.holding import begun, lock
from tests import faults
from tests.asking import ask
from tests.faults import Plan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.flows.conftest import Platform

pytestmark = pytest.mark.real


@pytest.fixture
def api(platform: Platform) -> Iterator[str]:
    with temporary_settings({PREFECT_API_URL: platform.prefect}):
        yield platform.prefect


def held(api: str, state: str) -> UUID:
    """A flow run that Prefect takes for what it is not."""
    flow = ask("POST", f"{api}/flows/", {"name": "ended"})
    return UUID(ask("POST", f"{api}/flow_runs/", {"flow_id": flow["id"], "state": {"type": state}})["id"])


@pytest.mark.parametrize(
    ("found", "well", "then"),
    [
        ("FAILED", True, "COMPLETED"),
        ("CRASHED", True, "COMPLETED"),
        ("RUNNING", True, "COMPLETED"),
        ("CRASHED", False, "FAILED"),
        ("COMPLETED", True, "COMPLETED"),
        # Somebody wanted that; or the run is about to be tried again.
        ("CANCELLED", True, "CANCELLED"),
        ("SCHEDULED", True, "SCHEDULED"),
    ],
)
def test_the_next_run_tells_how_the_last_one_ended(
    api: str, tmp_path: Path, found: str, well: bool, then: str
) -> None:
    last = held(api, found)
    ended.keep(tmp_path, last, "all is well", well=well)
    ended.tell_of_last(tmp_path, uuid4())
    state = ask("GET", f"{api}/flow_runs/{last}")["state"]
    assert state["type"] == then
    assert (state["message"] == "all is well (told by the next run of the target)") == (found != then)
    assert not (tmp_path / ended.FILE_NAME).exists()


def test_a_run_that_is_retried_is_not_the_next_one(api: str, tmp_path: Path) -> None:
    last = held(api, "RUNNING")
    ended.keep(tmp_path, last, "all is well", well=True)
    ended.tell_of_last(tmp_path, last)
    assert ask("GET", f"{api}/flow_runs/{last}")["state"]["type"] == "RUNNING"


def test_what_prefect_knows_is_forgotten(tmp_path: Path) -> None:
    run: Any = SimpleNamespace(id=uuid4())
    flow: Any = None
    note = tmp_path / ended.FILE_NAME
    ended.keep(tmp_path, run.id, "all is well", well=True)
    # As Prefect's engine has it after it could not tell Prefect.
    ended.prefect_knows(flow, run, Failed())
    assert json.loads(note.read_text())["state"] == "COMPLETED"
    ended.keep(tmp_path, run.id, "all is well", well=True)
    ended.prefect_knows(flow, run, Completed())
    assert not note.exists()


def test_prefect_lets_no_run_crash_that_has_ended(api: str) -> None:
    """The automation for lost runs relies on it: a heartbeat may arrive after the end."""
    last = held(api, "COMPLETED")
    wish = {"state": {"type": "CRASHED", "name": "Crashed"}, "force": False}
    assert ask("POST", f"{api}/flow_runs/{last}/set_state", wish)["status"] == "ABORT"
    assert ask("GET", f"{api}/flow_runs/{last}")["state"]["type"] == "COMPLETED"


def test_a_run_that_was_killed_before_it_held_its_target_is_found(api: str, tmp_path: Path) -> None:
    lives, dead = held(api, "RUNNING"), held(api, "RUNNING")
    (tmp_path / begun.DIRECTORY).mkdir()
    left = tmp_path / begun.DIRECTORY / str(dead)
    left.touch()
    with begun.noted(tmp_path, lives):
        with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api", PREFECT_CLIENT_MAX_RETRIES: 0}):
            begun.mark_dead(tmp_path)
        assert left.exists()
        with lock.hold("dev", tmp_path, lives, 0, print):
            states = {run: ask("GET", f"{api}/flow_runs/{run}")["state"] for run in (lives, dead)}
        assert [path.name for path in left.parent.iterdir()] == [str(lives)]
    assert (states[lives]["type"], states[dead]["type"]) == ("RUNNING", "CRASHED")
    assert states[dead]["message"] == "The run ended without a word: its process has died."
    assert not list(left.parent.iterdir())


def test_a_torn_note_is_none(tmp_path: Path) -> None:
    (tmp_path / ended.FILE_NAME).write_text('{"flow_')
    ended.tell_of_last(tmp_path, uuid4())


def test_prefect_is_waited_for(api: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ended, "_PAUSE", 0.2)
    run, said = held(api, "RUNNING"), list[str]()
    with faults.proxy(api) as proxy, temporary_settings({PREFECT_API_URL: proxy.url}):
        assert ended.wait_for_prefect(run, said.append)
        assert said == []
        proxy.plan = Plan(gone_at=1, gone=2.0)
        assert ended.wait_for_prefect(run, said.append)
        assert said == ["dbt has ended; waiting for Prefect, which is away, to tell it so"]
        proxy.plan = Plan(gone_at=1, gone=60.0)
        assert not ended.wait_for_prefect(run, said.append, patience=0.0)
