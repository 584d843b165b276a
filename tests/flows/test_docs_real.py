"""`python -m flows.docs` where it fails; tests/end_to_end reads the site of a warehouse that has all."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.flows.conftest import Platform, run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real

_COMMAND = """
import sys
from pathlib import Path
from flows import docs
docs.PROJECT_DIR = Path(sys.argv[1])
sys.exit(docs.main(sys.argv[2:]))
"""


def words(project: Path, *options: str) -> list[str]:
    return [sys.executable, "-c", _COMMAND, str(project), *options]


def test_a_catalog_with_holes_is_a_failure(platform: Platform, project: Path) -> None:
    """A bare emulator has no `__TABLES__`; what stands before it in the local platform answers for it."""
    assert platform.command(project, "tiny").code == 0
    done = run(words(project, "--target", "tiny"), platform.environment())
    assert done.code == 1
    assert done.err.splitlines()[-1].startswith("error: dbt's documentation is incomplete: Database Error")
    assert "Traceback" not in done.err


def test_no_key_is_left_in_the_site(platform: Platform, project: Path) -> None:
    secret = platform.pem.splitlines()[3].encode()
    files = [path for path in project.rglob("*") if path.is_file()]
    assert any(path.name == "catalog.json" for path in files)
    assert [path for path in files if secret in path.read_bytes()] == []


def test_a_missing_block_is_named(platform: Platform, project: Path) -> None:
    done = run(words(project, "--target", "nowhere"), platform.environment())
    assert done.code == 3
    assert done.err.startswith("error: ")
    assert "pulumi up -s nowhere" in done.err
    assert "Traceback" not in done.err
