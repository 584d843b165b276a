"""The command line without any server behind it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Completed

from flows import pipeline
from flows.commands import command_line
from flows.observe import json_logs
from flows.project import set_up
from flows.run import own_run
from flows.run.stopping import TerminatedError
from tests.flows.conftest import Finished, run
from tests.flows.documents import report
from tests.flows.servers import answering
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable


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
def test_wrong_usage(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(json_logs, "install", lambda: None)  # for this process, it would stay
    assert pipeline.main(arguments) == 2
    assert capsys.readouterr().err.startswith("error: ")
    assert pipeline.main(["--json", *arguments]) == 2
    printed = capsys.readouterr()
    told = json.loads(printed.out)
    assert (told["exit_code"], told["flow_run"]) == (2, None)
    assert printed.err == f"error: {told['error']}\n"
    assert pipeline.main(["--log-format", "json", *arguments]) == 2
    assert json.loads(capsys.readouterr().err)["message"] == told["error"]


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


def test_all_lines_are_json_where_that_is_asked_for(tmp_path: Path) -> None:
    url = f"http://somebody:planted-word@127.0.0.1:{free_port()}/api"
    done = command(tmp_path, "--json", PREFECT_API_URL=url, PIPELINE_LOG_FORMAT="json")
    told = json.loads(done.out)
    assert (done.code, told["exit_code"]) == (4, 4)
    line = json.loads(done.err)
    assert (line["level"], line["message"]) == ("error", told["error"])
    assert "planted-word" not in done.out + done.err


def raising(error: BaseException) -> Callable[..., Any]:
    def run_(*_: Any) -> None:
        raise error

    return run_


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (TerminatedError(), 143, "terminated"),
        (
            RecursionError("too\ndeep"),
            70,
            "unexpected RecursionError: too deep (PREFECT_LOGGING_LEVEL=DEBUG shows",
        ),
        (ValueError("https://me:planted-word@x"), 70, "unexpected ValueError: https://*****@x (PREFECT"),
    ],
)
def test_every_end_is_told(
    error: BaseException,
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(pipeline, "_run", raising(error))
    assert pipeline.main(["--json"]) == code
    printed = capsys.readouterr()
    told = json.loads(printed.out)
    assert (told["exit_code"], told["flow_run"]) == (code, None)
    assert told["error"].startswith(said)
    assert printed.err == f"error: {told['error']}\n"


def test_other_commands_tell_what_is_unexpected(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.exit_code(raising(OSError("full"))) == 70
    assert capsys.readouterr().err.startswith("error: unexpected OSError: full")


def test_a_report_that_prefect_cannot_be_told_of_is_told_here(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run_id = uuid4()

    def execute(own: own_run.OwnRun, *_: Any) -> Any:
        own.run_id, own.outcome = run_id, report()
        return Completed()

    monkeypatch.setattr(set_up, "load", lambda *_: SimpleNamespace(project_dir=Path()))
    monkeypatch.setattr(own_run.OwnRun, "execute", execute)
    monkeypatch.setattr(own_run.OwnRun, "settle", lambda *_: False)
    with temporary_settings({PREFECT_API_URL: "http://somebody:planted-word@127.0.0.1:1/api"}):
        assert pipeline.main(["--json"]) == 4
        told = json.loads(capsys.readouterr().out)
        assert pipeline.main([]) == 4
    printed = capsys.readouterr()
    assert told["run"] == report()["run"]
    assert told["exit_code"] == 4
    assert told["error"].startswith(
        "dbt has ended, and its report is true, but Prefect at http://127.0.0.1:1/api "
    )
    assert told["flow_run"] == f"http://127.0.0.1:1/runs/flow-run/{run_id}"
    assert printed.out.startswith("target dev\n  dbt-run ")
    assert printed.err == f"error: {told['error']}\n"


def test_a_refused_flow_run_is_no_prefect_that_is_away(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(set_up, "load", lambda *_: SimpleNamespace(project_dir=Path()))
    # It refuses that, too, and would be asked for two minutes.
    monkeypatch.setattr(own_run.OwnRun, "settle", raising(AssertionError()))
    with (
        answering(lambda _method, _path: (403, {})) as url,
        temporary_settings({PREFECT_API_URL: f"{url}/api"}),
    ):
        assert pipeline.main(["--json"]) == 3
    told = json.loads(capsys.readouterr().out)
    assert told["error"].startswith(
        f"Prefect at {url}/api refuses a flow run (HTTP 403). Set PREFECT_API_KEY"
    )
