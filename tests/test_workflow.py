"""The workflow for GitHub Actions: what it runs, with which rights, and that it keeps no key."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

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


def test_it_runs_for_pull_requests_and_for_main(workflow: dict[Any, Any]) -> None:
    assert set(workflow["on"]) == {"pull_request", "push"}
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


def test_a_pull_request_only_previews_and_main_only_updates(steps: list[dict[str, Any]]) -> None:
    assert step(steps, "pulumi preview")["if"] == "github.event_name == 'pull_request'"
    update = step(steps, "pulumi up")
    assert update["if"] == "github.event_name == 'push'"
    assert "--yes" in update["run"]
    assert sum("pulumi up" in one.get("run", "") or "destroy" in one.get("run", "") for one in steps) == 1


def test_every_stack_has_its_file(workflow: dict[Any, Any]) -> None:
    for stack in workflow["jobs"]["pulumi"]["strategy"]["matrix"]["stack"]:
        assert (PROJECT / f"Pulumi.{stack}.yaml").exists()


def test_no_expression_ends_in_a_shell(steps: list[dict[str, Any]]) -> None:
    assert not any("${{" in one.get("run", "") for one in steps)


def test_two_runs_never_work_on_one_stack(workflow: dict[Any, Any]) -> None:
    job = workflow["jobs"]["pulumi"]
    assert job["concurrency"] == {"group": "pulumi-${{ matrix.stack }}", "cancel-in-progress": False}
