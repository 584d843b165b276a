"""`python -m flows.docs` where it fails; tests/end_to_end reads the site of a warehouse that has all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.flows import elsewhere
from tests.flows.conftest import Finished, Platform, run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real


def docs(platform: Platform, project: Path, target: str) -> Finished:
    return run(elsewhere.words(project, "--target", target, command="flows.docs"), platform.environment())


def test_a_catalog_with_holes_is_a_failure(platform: Platform, project: Path) -> None:
    """A bare emulator has no `__TABLES__`; what stands before it in the local platform answers for it."""
    done = docs(platform, project, "tiny")
    assert done.code == 1
    assert done.err.splitlines()[-1].startswith("error: dbt's documentation is incomplete: Database Error")
    assert "Traceback" not in done.err


def test_no_key_is_left_in_the_site(platform: Platform, project: Path) -> None:
    secret = platform.pem.splitlines()[3].encode()
    files = [path for path in project.rglob("*") if path.is_file()]
    assert any(path.name == "catalog.json" for path in files)
    assert [path for path in files if secret in path.read_bytes()] == []


def test_a_missing_block_is_named(platform: Platform, project: Path) -> None:
    done = docs(platform, project, "nowhere")
    assert done.code == 3
    assert done.err.startswith("error: ")
    assert "pulumi up -s nowhere" in done.err
    assert "Traceback" not in done.err
