"""The dbt project of a stack, as its settings name it."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.settings.groups import dbt_project
from tests.infra.test_settings import refused


def project(where: Path, text: str) -> str:
    where.mkdir(exist_ok=True)
    (where / "dbt_project.yml").write_text(text)
    return str(where)


def test_the_profile_is_the_projects_own(tmp_path: Path) -> None:
    assert dbt_project.profile(project(tmp_path, "name: shop\nprofile: jaffle_shop\n")) == "jaffle_shop"


@pytest.mark.parametrize("profile", ["", "profile: \"{{ env_var('DBT_PROFILE') }}\"\n"])
def test_a_project_that_names_no_profile_gets_one_of_its_own_name(tmp_path: Path, profile: str) -> None:
    assert dbt_project.profile(project(tmp_path, f"name: shop\n{profile}")) == "shop"


def test_a_directory_without_a_project_is_refused_with_the_line(tmp_path: Path) -> None:
    text = "config:\n  projet-m2-bi:dbtProjectDir: nowhere\n"
    message = refused(tmp_path, text, dbtProjectDir="nowhere")
    assert "Pulumi.dev.yaml line 2 (projet-m2-bi:dbtProjectDir)" in message
    assert "nowhere/dbt_project.yml cannot be read: No such file or directory" in message


@pytest.mark.parametrize(("text", "why"), [("a: [", "is no YAML"), ("- 1", "has no `name:`")])
def test_an_odd_project_file_is_refused(tmp_path: Path, text: str, why: str) -> None:
    assert why in refused(tmp_path, dbtProjectDir=project(tmp_path / "odd", text))
