"""The record that `--resume` reads."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from flows.commands.options import Options
from flows.engine import resume
from flows.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

RESUME = Options(resume=True)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "a.sql").write_text("select 1")
    return tmp_path


def begin(project: Path, options: Options = RESUME, profile: str = "p") -> resume.Checkpoint:
    return resume.begin(project / "target" / "dev", project, profile, options)


def event(name: str, status: str = "success", materialized: str = "table") -> Any:
    node = SimpleNamespace(
        unique_id=f"model.x.{name}", node_name=name, resource_type="model", materialized=materialized
    )
    result = SimpleNamespace(
        status=status, execution_time=1.0, message="a secret", num_failures=0, adapter_response={}
    )
    data = SimpleNamespace(node_info=node, run_result=result)
    return SimpleNamespace(info=SimpleNamespace(name="NodeFinished"), data=data)


def record(project: Path, *events: Any, options: Options | None = None) -> resume.Checkpoint:
    made = begin(project, options or Options())
    note = made.recorder("run", lambda text: text.replace("secret", "*****"))
    for one in events:
        note(one)
    return made


def names(made: resume.Checkpoint, command: str = "run") -> list[str]:
    return [node["name"] for node in made.earlier(command)]


def test_what_succeeded_is_not_done_again(project: Path) -> None:
    record(
        project, event("a"), event("b", "error"), event("c", "skipped"), event("e", materialized="ephemeral")
    )
    resumed = begin(project)
    [node] = resumed.earlier("run")
    assert (node["name"], node["earlier"], node["message"]) == ("a", True, "a *****")
    assert names(resumed, "test") == []


def test_a_resumed_run_can_be_resumed(project: Path) -> None:
    record(project, event("a"), event("b", "error"))
    begin(project).recorder("run", str)(event("b"))
    assert names(begin(project)) == ["a", "b"]


def test_a_torn_line_is_a_node_that_did_not_finish(project: Path) -> None:
    record(project, event("a"), event("b"))
    path = project / "target" / "dev" / resume.FILE_NAME
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    resumed = begin(project)
    assert names(resumed) == ["a"]
    resumed.recorder("run", str)(event("b"))
    assert names(begin(project)) == ["a", "b"]


def test_nothing_to_resume_is_said(project: Path) -> None:
    with pytest.raises(UsageError, match="no run of dev has been recorded"):
        begin(project)
    record(project, event("a")).finish()
    with pytest.raises(UsageError, match="has done all its work"):
        begin(project)


def test_a_run_that_ran_nothing_leaves_the_record(project: Path) -> None:
    record(project, event("a"))
    begin(project, Options(select=("b",)))
    assert names(begin(project)) == ["a"]


def test_another_run_is_not_resumed(project: Path) -> None:
    record(project, event("a"))
    with pytest.raises(UsageError, match="--select was '' and is 'a'"):
        begin(project, Options(select=("a",), resume=True))
    with pytest.raises(UsageError, match="--vars was '' and is"):
        begin(project, Options(variables='{"n": 1}', resume=True))
    with pytest.raises(UsageError, match="blocks have changed"):
        begin(project, profile="q")
    (project / "models" / "a.sql").write_text("select 2")
    with pytest.raises(UsageError, match=r"the project has changed: models/a\.sql"):
        begin(project)


def test_what_an_editor_leaves_is_no_change_of_the_project(project: Path) -> None:
    record(project, event("a"))
    models = project / "models"
    (models / ".#a.sql").symlink_to("me@here.42:1")
    (models / "nowhere.sql").symlink_to("no such file")
    (models / ".a.sql.swp").write_bytes(b"\0")
    (project / ".DS_Store").write_bytes(b"\0")
    assert names(begin(project)) == ["a"]
    (project / ".dbtignore").write_text("a.sql")
    with pytest.raises(UsageError, match=r"the project has changed: \.dbtignore"):
        begin(project)


def test_what_dbt_writes_is_no_change_of_the_project(project: Path) -> None:
    record(project, event("a"))
    (project / "logs").mkdir()
    (project / "logs" / "dbt.log").write_text("x")
    assert names(begin(project)) == ["a"]
