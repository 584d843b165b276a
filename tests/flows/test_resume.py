"""The record that `--resume` reads."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from flows.commands.options import Options
from flows.engine.again import resume
from flows.engine.again.batches import span_of
from flows.engine.events import BatchesPlanned, BatchFinished, Finished, Node
from flows.errors import UsageError
from tests.flows import documents

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


def event(name: str, status: str = "success") -> Finished:
    node = Node(f"model.x.{name}", name, "model")
    return Finished(node, datetime.now(UTC), documents.node(name, status, id=node.id))


def record(project: Path, *events: Any, options: Options | None = None) -> resume.Checkpoint:
    made = begin(project, options or Options())
    note = made.recorder("run")
    for one in events:
        note(one)
    return made


def names(made: resume.Checkpoint, command: str = "run") -> list[str]:
    return [node["name"] for node in made.earlier(command)]


def test_what_succeeded_is_not_done_again(project: Path) -> None:
    record(project, event("a"), event("b", "error"), event("c", "skipped"))
    resumed = begin(project)
    [node] = resumed.earlier("run")
    assert (node["name"], node["earlier"]) == ("a", True)
    assert names(resumed, "test") == []


def test_a_resumed_run_can_be_resumed(project: Path) -> None:
    record(project, event("a"), event("b", "error"))
    begin(project).recorder("run")(event("b"))
    assert names(begin(project)) == ["a", "b"]


def test_a_torn_line_is_a_node_that_did_not_finish(project: Path) -> None:
    record(project, event("a"), event("b"))
    path = project / "target" / "dev" / resume.FILE_NAME
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    resumed = begin(project)
    assert names(resumed) == ["a"]
    resumed.recorder("run")(event("b"))
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


YEARLY = Node("model.x.yearly", "yearly", "model")
SPANS = tuple(span_of(documents.batch(year)) for year in (2023, 2024, 2025))
PLANNED = BatchesPlanned(YEARLY, SPANS)


def ended(year: int, status: str = "success") -> BatchFinished:
    return BatchFinished(YEARLY, documents.batch(year, status))


def test_a_batch_that_is_done_does_not_make_its_model_done(project: Path) -> None:
    record(project, PLANNED, ended(2023), ended(2024, "error"))
    resumed = begin(project)
    assert names(resumed) == []
    assert resumed.batches("run").left(YEARLY.id) == list(SPANS[1:])
    assert resumed.batches("test").left(YEARLY.id) is None


def test_a_resumed_model_keeps_its_first_plan(project: Path) -> None:
    record(project, PLANNED, ended(2023))
    note = begin(project).recorder("run")
    note(ended(2024, "error"))
    assert begin(project).batches("run").left(YEARLY.id) == list(SPANS[1:])


def test_what_a_run_leaves_undone_is_owed_until_it_is_done(project: Path) -> None:
    record(project, PLANNED, ended(2023), ended(2024, "error"), ended(2025))
    # A run of something else, and one that plans the latest batch alone.
    record(project, event("a"), options=Options(select=("a",)))
    later = begin(project, Options())
    assert later.batches("run").owed(YEARLY.id) == {SPANS[1]}
    note = later.recorder("run")
    note(BatchesPlanned(YEARLY, SPANS[1:]))
    note(ended(2024))
    note(ended(2025))
    assert begin(project, Options()).batches("run").owed(YEARLY.id) == set()


@pytest.mark.parametrize(("empty", "shell"), [(True, ""), (False, "1"), (False, "0")])
def test_batches_that_were_built_without_rows_are_owed(
    project: Path, monkeypatch: pytest.MonkeyPatch, empty: bool, shell: str
) -> None:
    """dbt would take them for done, and the next run would ask for the latest alone."""
    monkeypatch.setenv("DBT_EMPTY", shell)
    record(project, PLANNED, ended(2023), ended(2024), ended(2025), options=Options(empty=empty))
    monkeypatch.delenv("DBT_EMPTY")
    later = begin(project, Options())
    assert later.batches("run").owed(YEARLY.id) == (set() if shell == "0" else set(SPANS))
    note = later.recorder("run")
    note(BatchesPlanned(YEARLY, SPANS))
    for year in (2023, 2024, 2025):
        note(ended(year))
    assert begin(project, Options()).batches("run").owed(YEARLY.id) == set()


@pytest.mark.parametrize("name", ["TOWN", "DBT_EMPTY", "DBT_ENGINE_SAMPLE"])
def test_a_shell_that_would_give_other_tables_is_another_run(
    project: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (project / "models" / "a.sql").write_text("select '{{ env_var( \"TOWN\", 'x') }}'")
    monkeypatch.setenv(name, "1")
    record(project, event("a"), event("b", "error"))
    assert names(begin(project)) == ["a"]
    for value in ("2", None):
        monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name)
        with pytest.raises(UsageError, match=rf"the project has changed: \${name}\."):
            begin(project)


def test_tokens_and_secrets_of_the_shell_may_change(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "profiles.yml").write_text("token: \"{{ env_var('TOKEN') }}\"")
    (project / "models" / "b.sql").write_text("select '{{ env_var('DBT_ENV_SECRET_SALT') }}'")
    record(project, event("a"), event("b", "error"))
    for name in ("TOKEN", "DBT_ENV_SECRET_SALT"):
        monkeypatch.setenv(name, "another")
    assert names(begin(project)) == ["a"]
