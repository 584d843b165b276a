"""Pulumi's `encryptionsalt` in the committed Pulumi.local.yaml."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from local.paths import PROJECT
from local.platform import git
from local.pulumi_cli import pulumi_home


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    shutil.copy(PROJECT / ".gitattributes", tmp_path)
    # As committed: the file in the work tree may have this machine's salt.
    text = (PROJECT / "Pulumi.local.yaml").read_text()
    lines = [line for line in text.splitlines(keepends=True) if not line.startswith("encryptionsalt:")]
    (tmp_path / "Pulumi.local.yaml").write_text("".join(lines))
    run(tmp_path, "init", "-q")
    run(tmp_path, "add", ".")
    run(tmp_path, "-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "-q", "-m", "x")
    return tmp_path


def run(directory: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=directory, capture_output=True, text=True, check=True)
    return done.stdout


def test_git_does_not_see_the_salt_but_every_other_change(checkout: Path) -> None:
    settings = checkout / "Pulumi.local.yaml"
    settings.write_text(settings.read_text() + "encryptionsalt: v1:abc\n")
    git.hide_salt(settings)
    assert run(checkout, "status", "--short") == ""
    settings.write_text(settings.read_text().replace('threads: "4"', 'threads: "5"'))
    assert "Pulumi.local.yaml" in run(checkout, "status", "--short")
    assert "encryptionsalt" not in run(checkout, "diff")


def test_a_persons_own_edit_is_not_staged(checkout: Path) -> None:
    settings = checkout / "Pulumi.local.yaml"
    settings.write_text(
        settings.read_text().replace('threads: "4"', 'threads: "5"') + "encryptionsalt: v1:abc\n"
    )
    git.hide_salt(settings)
    assert run(checkout, "diff", "--cached") == ""


def test_the_committed_file_has_no_salt() -> None:
    # Of the commit, since the file in the work tree may have this machine's.
    committed = subprocess.run(
        ["git", "show", ":Pulumi.local.yaml"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert "encryptionsalt:" not in committed.stdout.replace("`encryptionsalt`", "")


def test_outside_a_git_checkout_nothing_is_done(tmp_path: Path) -> None:
    git.hide_salt(tmp_path / "Pulumi.local.yaml")
    assert list(tmp_path.iterdir()) == []


def test_a_salt_from_elsewhere_is_forgotten_and_the_rest_kept(tmp_path: Path) -> None:
    settings = tmp_path / "Pulumi.local.yaml"
    settings.write_text("encryptionsalt: v1:abc\nconfig:\n  gcp:project: demo-flights\n")
    pulumi_home._forget_foreign_salt(settings)
    assert settings.read_text() == "config:\n  gcp:project: demo-flights\n"
