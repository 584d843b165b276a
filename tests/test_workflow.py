"""The workflow for GitHub Actions: what it runs, with which rights, and that it keeps no key."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

from infra import settings
from local.paths import PROJECT

PATH = PROJECT / ".github" / "workflows" / "pulumi.yml"
TEXT = PATH.read_text()


@pytest.fixture
def workflow() -> dict[Any, Any]:
    loaded: dict[Any, Any] = yaml.safe_load(TEXT)
    # YAML 1.1 reads the key `on` as true.
    loaded["on"] = loaded.pop(True)
    return loaded


@pytest.fixture
def steps(workflow: dict[Any, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = workflow["jobs"]["pulumi"]["steps"]
    return found


def step(steps: list[dict[str, Any]], text: str) -> dict[str, Any]:
    (found,) = [one for one in steps if text in str(one.get("run", one.get("uses")))]
    return found


def test_it_runs_for_pull_requests_for_main_and_by_the_clock(workflow: dict[Any, Any]) -> None:
    assert set(workflow["on"]) == {"pull_request", "push", "schedule"}
    assert workflow["on"]["push"]["branches"] == ["main"]


def test_whatever_the_program_reads_is_previewed(workflow: dict[Any, Any]) -> None:
    paths = set(workflow["on"]["pull_request"]["paths"])
    assert {"**.py", "infra/**", "providers/**", "Pulumi*.yaml", "uv.lock"} <= paths


def test_google_is_asked_with_the_runs_own_token(
    workflow: dict[Any, Any], steps: list[dict[str, Any]]
) -> None:
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["jobs"]["pulumi"]["permissions"] == {"contents": "read", "id-token": "write"}
    auth = step(steps, "google-github-actions/auth@")
    assert set(auth["with"]) == {"workload_identity_provider", "service_account"}


def test_no_key_of_google_or_pulumi_is_stored() -> None:
    assert set(re.findall(r"secrets\.(\w+)", TEXT)) == {"PREFECT_API_KEY"}
    assert not re.search(r"credentials_json|private_key|GOOGLE_CREDENTIALS|PASSPHRASE|ACCESS_TOKEN", TEXT)


@pytest.mark.parametrize("path", sorted(PATH.parent.iterdir()), ids=lambda path: path.name)
def test_other_peoples_actions_are_pinned_by_commit(path: Path) -> None:
    used = re.findall(r"^ +(?:- )?uses: (.+)$", path.read_text(), re.MULTILINE)
    assert used
    for action in used:
        assert action.startswith("./") or re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v[\d.]+", action), action


def test_the_real_world_is_looked_at_and_drift_is_told(steps: list[dict[str, Any]]) -> None:
    commands = [one["run"] for one in steps if re.search(r"pulumi (preview|up) ", one.get("run", ""))]
    assert len(commands) == 3
    assert all(" --refresh " in command for command in commands)
    drift = step(steps, "--expect-no-changes")
    assert drift["if"] == "github.event_name == 'schedule'"


def test_prod_comes_after_dev_and_after_the_tests(workflow: dict[Any, Any]) -> None:
    job = workflow["jobs"]["pulumi"]
    assert workflow["jobs"]["tests"] == {
        "if": "github.event_name == 'push'",
        "uses": "./.github/workflows/ci.yml",
    }
    assert "tests" in job["needs"]
    assert "needs.tests.result != 'failure'" in job["if"]
    assert job["strategy"]["max-parallel"] == 1
    assert job["strategy"]["fail-fast"] == "${{ github.event_name == 'push' }}"


def test_a_pull_request_only_previews_and_main_only_updates(steps: list[dict[str, Any]]) -> None:
    assert step(steps, "pulumi preview --refresh --stack")["if"] == "github.event_name == 'pull_request'"
    update = step(steps, "pulumi up")
    assert update["if"] == "github.event_name == 'push'"
    assert "--yes" in update["run"]
    assert sum("pulumi up" in one.get("run", "") or "destroy" in one.get("run", "") for one in steps) == 1


def test_every_stack_with_a_file_but_the_local_one_is_worked_on(
    workflow: dict[Any, Any], tmp_path: Path
) -> None:
    for name in (
        "Pulumi.yaml",
        "Pulumi.prod.yaml",
        "Pulumi.local.yaml",
        "Pulumi.dev.yaml",
        "Pulumi.a-b.yaml",
        "Pulumi.staging.yaml",
    ):
        (tmp_path / name).touch()
    assert stacks_of(workflow, tmp_path) == ["a-b", "dev", "staging", "prod"]
    job = workflow["jobs"]["pulumi"]
    assert "stacks" in job["needs"]
    assert job["strategy"]["matrix"] == {"stack": "${{ fromJSON(needs.stacks.outputs.stacks) }}"}


def stacks_of(workflow: dict[Any, Any], directory: Path) -> list[str]:
    """What the first job hands to the second, run as GitHub does."""
    job = workflow["jobs"]["stacks"]
    assert job["outputs"] == {"stacks": "${{ steps.list.outputs.stacks }}"}
    (listing,) = [step for step in job["steps"] if step.get("id") == "list"]
    assert listing["shell"] == "python"
    output = directory / "output"
    output.write_text("")
    environment = os.environ | {"GITHUB_OUTPUT": str(output)}
    subprocess.run([sys.executable, "-c", listing["run"]], check=True, cwd=directory, env=environment)
    name, _, value = output.read_text().strip().partition("=")
    assert name == "stacks"
    found: list[str] = json.loads(value)
    return found


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """In continuous integration, in the project; the configuration goes again."""
    monkeypatch.setenv("CI", "true")
    monkeypatch.chdir(PROJECT)
    yield monkeypatch
    pulumi.runtime.set_all_config({})


def asked_for(stack: str, configure: pytest.MonkeyPatch) -> set[str]:
    """The settings that the stack's committed file lacks for the workflow."""
    committed = yaml.safe_load((PROJECT / f"Pulumi.{stack}.yaml").read_text())["config"]
    configure.setattr(pulumi, "get_stack", lambda: stack)
    pulumi.runtime.set_all_config(committed)
    try:
        settings.load()
    except pulumi.RunError as error:
        mistakes = str(error).splitlines()[1:]
        commands = [re.search(r"`pulumi config set (?:--path )?'?([\w:-]+)", mistake) for mistake in mistakes]
        return {
            command.group(1) if command else mistake
            for command, mistake in zip(commands, mistakes, strict=True)
        }
    return set()


def test_the_committed_files_are_enough_for_the_workflow(configure: pytest.MonkeyPatch) -> None:
    for stack in ("dev", "prod"):
        assert asked_for(stack, configure) == set()


def test_no_expression_ends_in_a_shell(steps: list[dict[str, Any]]) -> None:
    assert not any("${{" in one.get("run", "") for one in steps)


def group(workflow: dict[Any, Any], event: str, ref: str) -> str:
    """The group of a run's job for `dev`, as GitHub works out its expressions."""
    concurrency = workflow["jobs"]["pulumi"]["concurrency"]
    assert concurrency["cancel-in-progress"] is False
    text = concurrency["group"].replace("${{ matrix.stack }}", "dev")
    choice = r"\$\{\{ github\.event_name == '(\w+)' && github\.ref \|\| '(\w+)' \}\}"
    found: str = re.sub(choice, lambda match: ref if event == match[1] else match[2], text)
    assert "${{" not in found
    return found


def test_two_updates_of_a_stack_never_meet_and_no_pull_request_takes_their_place(
    workflow: dict[Any, Any],
) -> None:
    main = group(workflow, "push", "refs/heads/main")
    requests = [group(workflow, "pull_request", f"refs/pull/{number}/merge") for number in (7, 8)]
    assert main == "pulumi-dev-main"
    assert len({main, *requests}) == 3
