"""A key that is rotated while a flow runs: the flow goes on with the new one, and only then."""

from __future__ import annotations

import io
import logging
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from flows.engine.dbt_project import DbtProject
from flows.engine.results import StepResult, step_result
from flows.errors import DbtError, NotSetUpError
from flows.observe import redaction
from flows.run import steps
from flows.target import dbt_profile as profile
from tests.flows.documents import configs, document, key, node

if TYPE_CHECKING:
    from flows.engine.dbt_project import Log

REFUSED = "Database Error ('invalid_grant: Invalid JWT Signature.', {'error': 'invalid_grant'})"
DONE = step_result([node("greetings")], 1.0)


def holding(key_id: str) -> profile.DbtProfile:
    credentials = {"service_account_info": key(private_key_id=key_id)}
    return profile.from_document(document(target_configs=configs(credentials=credentials)), "dev")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DbtProject:
    """A project that was opened with the key `old`; the block holds `new` by now."""
    monkeypatch.setattr(steps, "load_profile", lambda _target: holding("new"))
    monkeypatch.setattr(steps, "get_run_logger", _Logger)
    return DbtProject(holding("old"), tmp_path, tmp_path)


class _Logger:
    """Prefect's logger needs a run."""

    log = staticmethod(logging.getLogger(__name__).log)
    info = staticmethod(logging.getLogger(__name__).info)


def refusing(project: DbtProject, message: str, *, nodes: bool) -> Any:
    """A command that fails for as long as the project has the key `old`."""

    def work(_log: Log) -> StepResult:
        if project.profile.key["private_key_id"] == "new":
            return DONE
        if nodes:
            return step_result([node("greetings", "error", message=message)], 1.0)
        raise DbtError(message)

    return work


@pytest.mark.parametrize("nodes", [True, False])
def test_a_removed_key_is_read_anew(project: DbtProject, nodes: bool) -> None:
    assert steps._attempt(project, refusing(project, REFUSED, nodes=nodes)) == DONE
    written = yaml.safe_load((project.profiles_dir / "profiles.yml").read_text())
    keyfile = written["projet_m2_bi"]["outputs"]["dev"]["keyfile_json"]
    assert keyfile["private_key_id"] == "new"
    assert "PlantedMarker" not in (project.profiles_dir / "profiles.yml").read_text()


@pytest.mark.parametrize("nodes", [True, False])
def test_any_other_failure_is_one(project: DbtProject, nodes: bool) -> None:
    state: Any = steps._attempt(project, refusing(project, "Syntax error", nodes=nodes))
    assert state.is_failed()
    assert project.profile == holding("old")


def test_the_same_key_again_is_not_tried_twice(project: DbtProject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "load_profile", lambda _target: holding("old"))
    state: Any = steps._attempt(project, refusing(project, REFUSED, nodes=False))
    assert state.is_failed()


def test_the_check_before_dbt_goes_on_too(project: DbtProject, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []

    def check(found: profile.DbtProfile) -> None:
        checked.append(found.key["private_key_id"])

    monkeypatch.setattr("flows.target.warehouse.check", check)
    answer: Future[None] = Future()
    answer.set_exception(NotSetUpError("the key does not sign in"))
    steps._checked(answer, project)
    assert checked == ["new"]
    with pytest.raises(NotSetUpError):
        steps._checked(answer, project)


def test_a_key_that_is_rotated_twice_while_the_flow_starts_is_read_twice(
    project: DbtProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_the_block = iter(["second", "third", "third"])
    monkeypatch.setattr(steps, "load_profile", lambda _target: holding(next(in_the_block)))
    checked: list[str] = []

    def check(found: profile.DbtProfile) -> None:
        checked.append(found.key["private_key_id"])
        if checked == ["second"]:
            raise NotSetUpError("the key does not sign in")

    monkeypatch.setattr("flows.target.warehouse.check", check)
    answer: Future[None] = Future()
    answer.set_exception(NotSetUpError("the key does not sign in"))
    steps._checked(answer, project)
    assert checked == ["second", "third"]


def test_both_keys_are_blanked_in_logs_after_a_rotation(
    project: DbtProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = "first-private-key-of-the-block", "second-private-key-of-the-block"
    credentials = {"service_account_info": key(private_key=second)}
    fresh = profile.from_document(document(target_configs=configs(credentials=credentials)), "dev")
    monkeypatch.setattr(steps, "load_profile", lambda _target: fresh)
    logger, written = logging.getLogger("rotated"), io.StringIO()
    handler = logging.StreamHandler(written)
    logger.addHandler(handler)
    try:
        redaction.blank_logs([first])
        assert steps._renewed(project)
        logger.warning("%s, then %s", first, second)
    finally:
        logger.removeHandler(handler)
    assert written.getvalue() == "*****, then *****\n"
