from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from providers.catalog import schemas
from providers.catalog.schemas import committed
from tests import warm_python

IN_USE = ["gcp-credentials", "dbt-cli-bigquery-target-configs", "dbt-cli-profile"]


@pytest.mark.real
def test_the_committed_schemas_are_those_of_the_installed_libraries() -> None:
    """In a process of its own, since importing the libraries takes 20 s and much memory."""
    python = str(warm_python.prefect())
    command = [python, "-m", "providers.catalog.schemas", "--check"]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("slug", IN_USE)
def test_whatever_a_kind_holds_is_committed_too(slug: str) -> None:
    kind = committed(slug)
    assert kind is not None
    assert kind.block_type["slug"] == slug
    assert all(committed(inner) for inner in kind.nested)


@pytest.mark.parametrize(
    "slug", ["slack-webhook", "", ".", "../schemas/gcp-credentials", "/etc/passwd", "a\0b"]
)
def test_no_other_file_is_a_kind(slug: str) -> None:
    assert committed(slug) is None


def test_every_file_is_a_kind() -> None:
    names = [path.stem for path in Path(schemas.__file__).parent.glob("*.json")]
    assert all(committed(name) for name in names)
    assert set(IN_USE) < set(names)
