"""The command line without any server behind it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from flows import pipeline
from tests.flows.conftest import Finished, run
from tests.flows.servers import free_port

if TYPE_CHECKING:
    from pathlib import Path


def command(home: Path, *arguments: str, **environment: str) -> Finished:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT")}
    env = {**kept, "PREFECT_HOME": str(home), **environment}
    return run([sys.executable, "-m", "flows.pipeline", *arguments], env)


def test_help_documents_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        pipeline.main(["--help"])
    assert ended.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "0 all is well, 1 dbt failed, 2 wrong usage, 3 not set up" in text
    assert "4 Prefect or BigQuery does not answer" in text


@pytest.mark.parametrize("arguments", [["--bogus"], ["--target"], ["extra"], ["--target", "Prod;rm"]])
def test_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code: object = pipeline.main(arguments)
    except SystemExit as ended:
        code = ended.code
    assert code == 2
    assert "error: " in capsys.readouterr().err


def test_no_server_is_started_where_none_is_named(tmp_path: Path) -> None:
    done = command(tmp_path, "--target", "dev")
    assert done.code == 3
    assert done.err.startswith("error: PREFECT_API_URL is not set")
    assert "python -m local up" in done.err
    assert not list(tmp_path.glob("*.db"))


def test_a_prefect_that_is_away_is_named(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}/api"
    done = command(tmp_path, PREFECT_API_URL=url)
    assert done.code == 4
    assert done.err.startswith(f"error: Prefect does not answer at {url} (PREFECT_API_URL)")
    assert len(done.err.splitlines()) == 1
