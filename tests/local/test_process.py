from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from local.errors import LocalError
from local.platform.process import Process

SLEEP = [sys.executable, "-c", "import time; print('here', flush=True); time.sleep(60)"]


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    made = Process("sleeper", tmp_path / "run", tmp_path / "logs")
    yield made
    made.stop()


def test_a_started_process_is_found_again_and_stopped(process: Process, tmp_path: Path) -> None:
    process.start(SLEEP, os.environ, tmp_path, {"port": "1"})
    again = Process("sleeper", tmp_path / "run", tmp_path / "logs")
    running = again.running()
    assert running is not None
    assert again.note("port") == "1"
    assert again.stop()
    assert not psutil.pid_exists(running.pid) or running.status() == psutil.STATUS_ZOMBIE
    assert again.running() is None


def test_children_are_stopped_too(process: Process, tmp_path: Path) -> None:
    script = f"import subprocess; subprocess.run({SLEEP!r})"
    process.start([sys.executable, "-c", script], os.environ, tmp_path, {})
    process.wait_ready(lambda: "here" in process.log_tail(1), 30)
    running = process.running()
    assert running is not None
    (child,) = running.children()
    process.stop()
    assert not child.is_running()


def test_a_reused_pid_is_not_taken_for_the_process(process: Process) -> None:
    process.run_dir.mkdir()
    process.record.write_text(json.dumps({"pid": os.getpid(), "started": 1.0, "notes": {}}))
    assert process.running() is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": "x"}'])
def test_a_damaged_record_counts_as_not_running(process: Process, content: str) -> None:
    process.run_dir.mkdir()
    process.record.write_text(content)
    assert process.running() is None


def test_one_that_dies_while_starting_is_reported_with_its_last_words(
    process: Process, tmp_path: Path
) -> None:
    process.start([sys.executable, "-c", "raise SystemExit('no such table')"], os.environ, tmp_path, {})
    with pytest.raises(LocalError, match=r"(?s)stopped while starting.*no such table.*python -m local reset"):
        process.wait_ready(lambda: False, 30)


def test_waiting_is_bounded(process: Process, tmp_path: Path) -> None:
    process.start(SLEEP, os.environ, tmp_path, {})
    with pytest.raises(LocalError, match="did not answer within 0 s"):
        process.wait_ready(lambda: False, 0.2)
