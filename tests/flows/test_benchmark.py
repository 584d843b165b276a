"""The benchmark's parts: the generated project, and what a command is said to take."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import yaml

from benchmarks import flow, generated_dbt, measured
from benchmarks.measured import Usage


@pytest.mark.parametrize("nodes", [1, 6, 230])
def test_a_generated_project_has_as_many_nodes_as_asked_for(tmp_path: Path, nodes: int) -> None:
    generated_dbt.write(tmp_path / "project", nodes)
    models = list((tmp_path / "project" / "models").glob("*.sql"))
    listed = yaml.safe_load((tmp_path / "project" / "models" / "models.yml").read_text())["models"]
    assert {path.stem for path in models} == {model["name"] for model in listed}
    tests = [test for model in listed for column in model.get("columns", []) for test in column["data_tests"]]
    assert len(models) + len(tests) == nodes


def test_models_refer_only_to_layers_above(tmp_path: Path) -> None:
    generated_dbt.write(tmp_path / "project", 230)
    for path in (tmp_path / "project" / "models").glob("*.sql"):
        _, _, name = path.read_text().partition("ref('")
        if name:
            assert name.partition("'")[0] < path.stem


# Holds its memory until its stdin is closed, so that both do so at the same time, however slowly they start.
_CHILD = "import sys; held = b'x' * (64 << 20); print(flush=True); sys.stdin.read()"
_PARENT = f"""
import subprocess, sys, time
pipe = subprocess.PIPE
children = [subprocess.Popen([sys.executable, '-c', {_CHILD!r}], stdin=pipe, stdout=pipe) for _ in range(2)]
for child in children: child.stdout.readline()
start = time.process_time()
while time.process_time() - start < 0.3: pass
time.sleep(1)
for child in children: child.communicate()
"""


def test_memory_is_that_of_all_processes_together(tmp_path: Path) -> None:
    held = b"x" * (700 << 20)  # what the measuring process has or once had does not count
    del held
    usage = measured.run(
        [sys.executable, "-c", _PARENT], dict(os.environ), tmp_path, tmp_path / "log", limit=60
    )
    assert 128 < usage.mebibytes < 600
    assert 0.3 < usage.cpu_seconds < 10
    assert usage.seconds > 0.6


def test_a_command_that_fails_is_told_with_its_output(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "print('why'); raise SystemExit(3)"]
    with pytest.raises(measured.CommandFailedError, match=r"(?s)exit code 3.*why"):
        measured.run(command, dict(os.environ), tmp_path, tmp_path / "log", limit=60)


def test_a_command_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    with pytest.raises(measured.CommandFailedError, match="exit code -9"):
        measured.run(command, dict(os.environ), tmp_path, tmp_path / "log", limit=0.5)


def test_ratios_are_to_bare_dbt() -> None:
    found = {flow.BARE: [Usage(2.0, 1.0, 100.0)] * 2, flow.OURS: [Usage(3.0, 1.5, 120.0), Usage(3, 1.5, 120)]}
    assert flow.report(found)[-1].split()[-3:] == ["1.50", "1.50", "1.20"]
