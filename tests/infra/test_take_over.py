"""`python -m infra.take_over`, with a Pulumi that notes what it is asked for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from infra import take_over
from infra.settings import project

SET = "config set projet-m2-bi:adopt true -s dev"
RM = "config rm projet-m2-bi:adopt -s dev"


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    log = tmp_path / "asked"
    tool = tmp_path / "pulumi"
    tool.write_text(f'#!/bin/sh\necho "$*" >> {log}\ncase "$1" in up) exit "${{UP:-0}}";; esac\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    project.namespace()
    monkeypatch.setattr(project, "ROOT", tmp_path)
    return log


def test_the_setting_is_there_for_one_update(asked: Path) -> None:
    assert take_over.main(["--stack", "dev", "--yes"]) == 0
    lines = asked.read_text().splitlines()
    assert lines == [SET, "up -s dev --yes", RM, "preview --expect-no-changes -s dev"]


def test_it_goes_where_the_update_fails_or_is_declined(asked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UP", "7")
    assert take_over.main(["-s", "dev"]) == 7
    assert asked.read_text().splitlines() == [SET, "up -s dev", RM]


def test_a_setting_of_the_stacks_own_stays(
    asked: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_text('config:\n  projet-m2-bi:adopt: "true"\n')
    assert take_over.main(["-s", "dev"]) == 2
    assert "is set already: `pulumi up -s dev` takes over" in capsys.readouterr().err
    assert not asked.exists()
