from __future__ import annotations

import pytest

from flows.errors import UsageError
from flows.target import names


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
