"""Which dbt project a command works on, and for whom the blocks are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flows.errors import NotSetUpError, UsageError
from flows.project import directory
from flows.project.directory import SETTING, Directory
from flows.target import names


def project(where: Path, text: str = "name: shop\nprofile: jaffle_shop\n") -> Path:
    where.mkdir(parents=True)
    (where / "dbt_project.yml").write_text(text)
    return where


def block(setting: str) -> dict[str, Any]:
    return {"global_configs": {"extras": {"project_dir": setting}}}


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four projects: given, in the variable, as the stack says, and in `dbt/`."""
    for name in ("given", "variable", "setting", "dbt"):
        project(tmp_path / name)
    monkeypatch.setattr(names, "PROJECT_ROOT", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DBT_PROJECT_DIR", raising=False)
    return tmp_path


def test_the_first_that_says_it_wins(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert directory.find(None, "dev").path == root / "dbt"
    assert directory.find(None, "dev", {"global_configs": None}).path == root / "dbt"
    assert directory.find(None, "dev", block("setting")).path == root / "setting"
    monkeypatch.setenv("DBT_PROJECT_DIR", "variable")
    assert directory.find(None, "dev", block("setting")).path == root / "variable"
    assert directory.find("given", "dev", block("setting")).path == root / "given"


def test_the_setting_may_be_absolute(root: Path) -> None:
    assert directory.find(None, "dev", block(str(root / "setting"))).path == root / "setting"


def test_no_project_is_told_with_who_said_so(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"no dbt project in .*/gone \(--project-dir\)"):
        directory.find("gone", "dev")
    with pytest.raises(NotSetUpError, match=r"pulumi config set projet-m2-bi:dbtProjectDir DIRECTORY -s dev"):
        directory.find(None, "dev", block("gone"))
    monkeypatch.setenv("DBT_PROJECT_DIR", "gone")
    with pytest.raises(UsageError, match="DBT_PROJECT_DIR"):
        directory.find(None, "dev")
    monkeypatch.delenv("DBT_PROJECT_DIR")
    (root / "dbt" / "dbt_project.yml").unlink()
    with pytest.raises(NotSetUpError, match="--project-dir DIRECTORY"):
        directory.find(None, "dev")


def test_blocks_of_another_project_are_told_with_both_profiles_and_the_command(root: Path) -> None:
    with pytest.raises(NotSetUpError) as caught:
        directory.check_profile(Directory(root / "dbt"), "projet_m2_bi", "dev")
    said = str(caught.value)
    assert "dbt-cli-profile-dev holds the dbt profile 'projet_m2_bi'" in said
    assert f"{root}/dbt/dbt_project.yml says `profile: jaffle_shop`" in said
    assert "`pulumi up -s dev`" in said
    assert SETTING not in said
    with pytest.raises(NotSetUpError, match=f"pulumi config set {SETTING} {root}/given -s dev"):
        directory.check_profile(directory.find("given", "dev"), "projet_m2_bi", "dev")
    directory.check_profile(Directory(root / "dbt"), "jaffle_shop", "dev")


@pytest.mark.parametrize("text", ["name: shop\n", "name: shop\nprofile: \"{{ env_var('P') }}\"\n"])
def test_a_project_that_names_no_profile_takes_any(tmp_path: Path, text: str) -> None:
    directory.check_profile(Directory(project(tmp_path / "free", text)), "anything", "dev")


@pytest.mark.parametrize("text", ["- 1", "a: [", ""])
def test_an_odd_project_file_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match=r"odd/dbt_project\.yml"):
        directory.check_profile(Directory(project(tmp_path / "odd", text)), "anything", "dev")
