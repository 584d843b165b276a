"""A microbatch model, batch by batch, and hooks: killed, failing, tried again, resumed."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.flows import microbatches
from tests.flows.conftest import Platform, run
from tests.flows.microbatches import YEARS

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real
ALL = list(YEARS)


@pytest.fixture(scope="module")
def told(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    directory: Path = tmp_path_factory.mktemp("years") / "dbt"
    microbatches.write(directory)
    words = [sys.executable, "-m", "tests.flows.microbatches", str(directory)]
    killed = run([*words, "killed"], platform.environment())
    assert killed.code == -9, killed.err
    others = run([*words, "others"], platform.environment())
    assert others.code == 0, others.err
    found: dict[str, dict[str, Any]] = json.loads(others.out.splitlines()[-1])
    return found


def test_a_run_that_was_killed_after_a_batch_goes_on_with_the_next(told: dict[str, dict[str, Any]]) -> None:
    resumed = told["resumed"]
    assert resumed["years"] == ALL
    assert resumed["batches"] == ["success"] * 3
    assert resumed["rows"] == [4]


def test_a_bad_batch_is_a_model_that_is_not_whole(told: dict[str, dict[str, Any]]) -> None:
    bad = told["bad"]
    assert bad["ended"] == ["partial success"]
    assert bad["batches"] == ["success", "error", "success", "success"]
    assert bad["steps"] == [{"events": "success", "yearly": "partial success", "below": "skipped"}]
    assert bad["years"] == [ALL[0], *ALL[2:]]
    [message] = bad["messages"]
    assert message.startswith(f"1 of 4 batches are missing:\nfrom {ALL[1]}-01-01 until {ALL[2]}-01-01: ")
    assert microbatches.BUSY in message


def test_the_next_run_fills_in_what_the_last_has_left_undone(told: dict[str, dict[str, Any]]) -> None:
    assert told["next"]["years"] == ALL


def test_a_retry_of_a_full_refresh_keeps_what_is_done(told: dict[str, dict[str, Any]]) -> None:
    refreshed = told["refreshed"]
    assert refreshed["years"] == ALL
    assert refreshed["worth"] == [True, False]
    assert refreshed["batches"] == ["success", "error", "success", "success", "success"]
    assert refreshed["steps"][-1] == {"events": "success", "yearly": "success", "below": "success"}
    assert refreshed["rows"] == [4]


def test_a_wrong_batch_is_not_tried_again(told: dict[str, dict[str, Any]]) -> None:
    assert told["wrong"]["worth"] == [False]
    assert told["wrong"]["years"] == [*ALL[:2], ALL[3]]


def test_a_resumed_full_refresh_keeps_what_is_done(told: dict[str, dict[str, Any]]) -> None:
    assert told["mended"]["batches"] == ["success"]
    assert told["mended"]["years"] == ALL


def test_a_retry_after_the_first_batch_failed_plans_the_same(told: dict[str, dict[str, Any]]) -> None:
    assert told["all bad"]["batches"] == ["error", *["skipped"] * 3, *["success"] * 4]
    assert told["all bad"]["years"] == ALL


def test_a_hook_that_failed_is_tried_again_alone(told: dict[str, dict[str, Any]]) -> None:
    hook = told["hook"]
    bad, good = ["success", "error", "skipped"], ["success"] * 3
    assert hook["hooks"] == [bad, bad, good]
    assert hook["worth"] == [True, True, False]
    assert all(microbatches.BUSY in message for message in hook["messages"])
    assert hook["models"] == ["below"]
    assert hook["counts"] == {"success": 1}


def test_a_hook_that_failed_is_resumed_alone(told: dict[str, dict[str, Any]]) -> None:
    assert told["hook stays"]["hooks"] == [["success", "error", "skipped"]]
    resumed = told["hook resumed"]
    assert resumed["hooks"] == [["success"] * 3]
    assert resumed["models"] == []
    assert resumed["steps"] == [{"below": "success"}]
