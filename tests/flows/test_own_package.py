"""What the flow adds to any dbt project."""

from __future__ import annotations

import shutil
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from dbt.adapters.factory import FACTORY
from dbt.config import project

from flows.engine import dbt_project
from flows.engine.internals import own_package
from flows.engine.internals.thrift import lean_imports
from flows.target.dbt_profile import DbtProfile
from tests import tiny

if TYPE_CHECKING:
    from pathlib import Path

OUTPUT = {
    "type": "bigquery",
    "method": "oauth",
    "project": "p",
    "schema": "s",
    "location": "EU",
    "threads": 1,
}


@pytest.fixture(autouse=True)
def added() -> None:
    lean_imports.import_dbt()
    own_package.add()
    own_package.add()  # once more changes nothing


def test_its_macros_go_before_the_adapters() -> None:
    FACTORY.load_plugin("bigquery")
    names = FACTORY.get_adapter_package_names("bigquery")
    assert names == [own_package.NAME, "dbt_bigquery", "dbt"]
    assert FACTORY.get_include_paths("bigquery")[0] == own_package.DIRECTORY
    assert (own_package.DIRECTORY / "macros" / "bigquery__reset_csv_table.sql").is_file()


def test_jobs_have_labels_unless_the_project_says_otherwise() -> None:
    made = project._query_comment_from_cfg
    assert made(project.NoValue()).job_label
    assert made(project.NoValue()).comment == project.QueryComment().comment
    assert not made("mine").job_label
    assert not made(None).job_label
    assert made(project.QueryComment(comment="x", job_label=True)).job_label


def macro(package: str, name: str) -> Any:
    return SimpleNamespace(package_name=package, name=name, original_file_path=f"macros/{name}.sql")


@pytest.mark.parametrize("name", ["bigquery__reset_csv_table", "reset_csv_table"])
def test_a_projects_own_macro_goes_before_and_is_told(name: str) -> None:
    ours = macro(own_package.NAME, "bigquery__reset_csv_table")
    manifest = SimpleNamespace(macros={"a": ours, "b": macro("shop", name), "c": macro("utils", name)})
    [said] = own_package.replaced(manifest, "shop", {})
    assert said == f"the project's own macro {name} (macros/{name}.sql) takes the place of the flow's"


@pytest.mark.parametrize("comment", ["mine", None, {"comment": "mine"}])
def test_a_projects_own_query_comment_goes_before_and_is_told(comment: Any) -> None:
    manifest = SimpleNamespace(macros={})
    [said] = own_package.replaced(manifest, "shop", {"query-comment": comment})
    assert "`job-label: true`" in said
    assert own_package.replaced(manifest, "shop", {"query-comment": {"job-label": True}}) == []
    assert own_package.replaced(manifest, "shop", {}) == []


def test_dbts_second_parser_is_not_used_and_that_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would read neither the flow's macros nor the hooks, and a run would not say so."""
    monkeypatch.setenv("DBT_ENGINE_USE_V2_PARSER", "1")
    shutil.copytree(tiny.DIRECTORY, tmp_path / "dbt")
    written = (tmp_path / "dbt" / "dbt_project.yml").read_text()
    hooks = 'on-run-start: ["select 1"]\nflags: {use_v2_parser: true}\n'
    (tmp_path / "dbt" / "dbt_project.yml").write_text(written + hooks)
    said: list[str] = []
    profile = DbtProfile("projet_m2_bi", "dev", OUTPUT, {})
    with dbt_project.open_project(profile, tmp_path / "dbt") as opened:
        opened.parse(lambda _level, line: said.append(line))
    assert len(opened.lineage.hooks()) == 1
    assert f"macro.{own_package.NAME}.bigquery__reset_csv_table" in opened._manifest.macros
    assert any("v2 parser" in line for line in said)
