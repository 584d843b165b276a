"""`python -m tests`, with two small files in the place of all tests."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from local.paths import PROJECT
from tests import __main__ as runner
from tests.end_to_end import copies

RUN = """
import sys
from tests import __main__ as runner

runner.groups = lambda options: [runner.Group(path, ["-n", "1", *options, path]) for path in sys.argv[1:]]
sys.exit(runner.main(["-p", "no:cacheprovider"]))
"""
TESTS = """
import pathlib, time

def test_that_fails():
    assert "this" == "that", "planted in NAME"

def test_that_is_interrupted():
    try:
        pathlib.Path(__file__).with_suffix(".begun").touch()
        time.sleep(600)
    finally:
        pathlib.Path(__file__).with_suffix(".ended").touch()
"""


def test_ctrl_c_ends_both_and_shows_what_has_failed(tmp_path: Path) -> None:
    files = [tmp_path / "test_one.py", tmp_path / "test_two.py"]
    for file in files:
        file.write_text(TESTS.replace("NAME", file.name))
    with subprocess.Popen(
        [sys.executable, "-c", RUN, *map(str, files)], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline().startswith(
            "the tests that `-p no:cacheprovider` leaves, in two groups"
        )
        for _ in files:
            while not process.stdout.readline().startswith("FAILED "):
                assert process.poll() is None
        while not all(file.with_suffix(".begun").exists() for file in files):
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        shown = process.stdout.read()
    assert process.returncode == 130, shown
    for file in files:
        assert f"planted in {file.name}" in shown
        assert file.with_suffix(".ended").exists()


def test_how_long_all_of_them_take_is_said_first() -> None:
    said = runner.what_runs([], runner.groups([]))
    assert "every test, in two groups" in said
    assert re.search(r"minutes on two cores$", said)


def test_files_that_share_what_they_start_go_to_one_process() -> None:
    files = {*copies.TOGETHER, *copies.TOGETHER.values()}
    assert {file for file in files if not (PROJECT / file).is_file()} == set()
    scheduler = object.__new__(copies.ByFile)
    assert {scheduler._split_scope(f"{file}::test_x") for file in files} == set(copies.TOGETHER.values())
    assert scheduler._split_scope("tests/test_docs.py::test_x") == "tests/test_docs.py"


def test_the_longest_files_begin_and_all_else_stays_in_order() -> None:
    there = [file for file in copies.LONGEST if (PROJECT / file).is_file()]
    # A team may have deleted the demo.
    assert there == [file for file in copies.LONGEST if (PROJECT / file.partition("/")[0]).exists()]
    given = ["tests/b.py", "tests/a.py", *reversed(copies.LONGEST), "tests/c.py"]
    items = [cast(pytest.Item, SimpleNamespace(location=(file, 0, "test_x"))) for file in given]
    copies.pytest_collection_modifyitems(items)
    ordered = [item.location[0] for item in items]
    assert ordered == [*copies.LONGEST, "tests/b.py", "tests/a.py", "tests/c.py"]
