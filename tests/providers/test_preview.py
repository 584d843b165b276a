"""What `up` would stop at is told at preview, under the real engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.providers.engine import Stack

pytestmark = pytest.mark.real
PROGRAM = 'Variable("variable", name="v", value=1)\n'


def test_no_prefect_and_one_that_is_away_are_told_at_preview(tmp_path: Path, pulumi_bin: Path) -> None:
    stack = Stack(tmp_path, "http://127.0.0.1:9/api", pulumi_bin)
    stack.environment["HOME"] = str(tmp_path)
    stack.program(PROGRAM)
    assert "Prefect at http://127.0.0.1:9/api can't be reached" in stack.fails("preview")
    stack.pulumi("config", "rm", "prefect:apiUrl")
    said = stack.fails("preview")
    assert "where is Prefect?" in said
    assert "Traceback" not in said
    # A profile is an answer.
    (tmp_path / ".prefect").mkdir()
    (tmp_path / ".prefect" / "profiles.toml").write_text(
        'active = "ours"\n[profiles.ours]\nPREFECT_API_URL = "http://me:s3cret@127.0.0.1:9/api"\n'
    )
    said = stack.fails("preview")
    assert "Prefect at http://127.0.0.1:9/api can't be reached" in said
    assert "PREFECT_API_URL in Prefect's profile 'ours'" in said
    assert "s3cret" not in said
    # As for Prefect's own client, a file beside the program goes before.
    (stack.root / "program" / "prefect.toml").write_text('[api]\nurl = "http://127.0.0.1:8/api"\n')
    assert "http://127.0.0.1:8/api can't be reached" in stack.fails("preview")
