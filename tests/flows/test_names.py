from __future__ import annotations

from pathlib import Path

import pytest

from flows.errors import UsageError
from flows.target import names
from infra.settings.names import Names


@pytest.mark.parametrize("target", ["dev", "prod", "feature-12", "a", "a" * 40])
def test_names_of_stacks_are_targets(target: str) -> None:
    assert names.check_target(target) == target


@pytest.mark.parametrize("target", ["", "Prod;rm", "dev\n", "-dev", "dev-", "a_b", "../dev", "é", "a" * 41])
def test_anything_else_is_refused(target: str) -> None:
    with pytest.raises(UsageError, match="not the name of a target"):
        names.check_target(target)


def test_an_unknown_target_is_doubted() -> None:
    assert names.bring_up("dev").startswith("`pulumi up -s dev`")
    assert "no Pulumi.devv.yaml" in names.bring_up("devv")


def test_a_prefix_begins_every_name(monkeypatch: pytest.MonkeyPatch) -> None:
    every = (names.dbt_cli_profile, names.bigquery_target_configs, names.gcp_credentials, names.slot)
    plain = [name("dev") for name in every]
    assert plain[-1] == "dbt-dev"
    monkeypatch.setenv(names.PREFIX, "sales")
    assert [name("dev") for name in every] == [f"sales-{name}" for name in plain]


def test_the_flow_and_the_stack_agree_on_names(monkeypatch: pytest.MonkeyPatch) -> None:
    for prefix in ("", "sales"):
        monkeypatch.setenv(names.PREFIX, prefix)
        stack = Names("dev", prefix)
        assert names.slot("dev") == stack.pipeline
        for kind in ("dbt-cli-profile", "bigquery-target-configs", "gcp-credentials"):
            assert getattr(names, kind.replace("-", "_"))("dev") == stack.block(kind)


def test_an_impossible_prefix_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(names.PREFIX, "Sales/")
    with pytest.raises(UsageError, match=r"STACK_NAME_PREFIX is 'Sales/'"):
        names.slot("dev")


def test_where_there_are_no_stacks_no_target_is_doubted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in the container image."""
    monkeypatch.setattr(names, "PROJECT_ROOT", tmp_path)
    said = names.bring_up("prod")
    assert said.startswith("`pulumi up -s prod`, where the project is checked out")
    assert "is the target's name right" not in said
