"""The README against the code."""

from __future__ import annotations

import re

import yaml

from infra.settings import Settings
from infra.settings.model import _setting_names
from local.paths import PROJECT

README = (PROJECT / "README.md").read_text()


def declared() -> dict[str, dict[str, object]]:
    config: dict[str, dict[str, object]] = yaml.safe_load((PROJECT / "Pulumi.yaml").read_text())["config"]
    return config


def test_the_readmes_table_has_every_setting_as_pulumi_yaml_declares_it() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (?:`([^`]*)`)? ?\| (.+) \|$", README, re.MULTILINE)
    found = {name: (kind, default, text) for name, kind, default, text in rows}
    expected = {
        name: (
            entry["type"],
            str(entry["default"]).replace("False", "false").replace("True", "true"),
            entry["description"],
        )
        for name, entry in declared().items()
    }
    assert found == expected


def test_pulumi_yaml_and_the_settings_model_agree() -> None:
    assert set(declared()) == _setting_names()
    for name, field in Settings.model_fields.items():
        entry = declared().get(field.alias or name)
        if entry is not None and name != "dataset":
            assert entry["default"] == field.default


def test_every_path_and_make_target_of_the_readme_exists() -> None:
    makefile = (PROJECT / "Makefile").read_text()
    for target in re.findall(r"\bmake (\w+)", README):
        assert f"\n{target}:" in makefile
    for link in re.findall(r"\]\(((?!http)[^)]+)\)", README):
        assert (PROJECT / link).exists(), link


def test_the_file_for_a_new_environment_has_all_that_it_needs() -> None:
    for path in PROJECT.glob("Pulumi.*.yaml"):
        assert "gcp:project" in yaml.safe_load(path.read_text())["config"], path
