"""What the settings make of work pool, deployment and alerts, without an engine."""

from __future__ import annotations

import json
from pathlib import Path

import pulumi
import pytest
from jinja2 import Environment

from infra.automations import action
from infra.checkout import commit
from infra.deployments import PROJECT, Place, parameter_schema, scheduled
from infra.outputs.pages import page_url
from providers.api.http import Requests
from providers.engine.lifecycle import Lifecycle
from providers.kinds.existing_block import ExistingBlocks
from tests.infra.program import settings
from tests.infra.test_settings import refused

URL = "https://prefect.example/runs/flow-run/{{ flow_run.id }}"


def test_without_a_cron_line_there_is_no_schedule() -> None:
    assert settings().main_schedule is None
    found = settings(schedule="0 2 * * *", timeZone="Europe/Paris").main_schedule
    assert found
    assert scheduled(found) == {"cron": "0 2 * * *", "timezone": "Europe/Paris"}


def test_prod_runs_at_two_in_paris() -> None:
    text = (PROJECT / "Pulumi.prod.yaml").read_text()
    assert 'projet-m2-bi:schedule: "0 2 * * *"' in text
    assert "projet-m2-bi:timeZone: Europe/Paris" in text


def test_a_process_works_in_the_project_or_where_the_settings_say() -> None:
    assert Place("process").values() == {"working_dir": str(PROJECT)}
    assert Place("process", code_path="/srv/dbt").values() == {"working_dir": "/srv/dbt"}


def test_a_run_clones_the_commit_that_is_checked_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place("process", repository="https://git.example/x", commit="abc", access_block="secret/token")
    assert place.values() == {}
    assert place.code() == {
        "entrypoint": "flows/pipeline.py:dbt_full_pipeline",
        "pull_steps": [
            {
                "prefect.deployments.steps.git_clone": {
                    "repository": "https://git.example/x",
                    "commit_sha": "abc",
                    "access_token": "{{ prefect.blocks.secret.token }}",
                }
            }
        ],
    }
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(pulumi.RunError, match=r"git knows of none in .* or set `codePath` instead"):
        commit(tmp_path)


def test_the_parameters_are_held_to_the_environments_target() -> None:
    target = parameter_schema("staging")["properties"]["target"]
    assert (target["enum"], target["default"]) == (["staging"], "staging")


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"schedule": "at two"}, "'at two' is no cron line"),
        ({"timeZone": "Paris"}, "'Paris' is no time zone, such as Europe/Paris"),
        ({"workPoolType": "ecs"}, "there are: process, docker, kubernetes, cloud-run-v2"),
        ({"alertBlock": "my-hook"}, "<type>/<name>, such as slack-webhook/on-call"),
        ({"workPoolType": "docker"}, "pulumi config set image … -s dev"),
        ({"workPoolType": "cloud-run-v2", "image": "i"}, "pulumi config set region … -s dev"),
    ],
)
def test_a_wrong_setting_says_what_is_right(tmp_path: Path, values: dict[str, str], told: str) -> None:
    assert told in refused(tmp_path, **values)


def test_the_webhooks_payload_is_json_whatever_the_message_holds() -> None:
    state = {"name": "Failed", "message": 'dbt-run failed: "a\\b"\n<c>'}
    context = {"flow_run": {"id": "7", "name": "red-fox", "state": state}}
    template = action("dev", "webhook", "1", URL)["payload"]
    told = json.loads(Environment().from_string(template).render(context))
    assert told == {
        "flow": "pipeline-dbt-complet",
        "target": "dev",
        "link": "https://prefect.example/runs/flow-run/7",
        "run": "red-fox",
        "state": "Failed",
        "message": state["message"],
    }


def test_other_blocks_get_a_text_with_target_message_and_link() -> None:
    found = action("dev", "slack-webhook", "1", URL)
    state = {"name": "Late", "message": None}
    context = {"flow_run": {"id": "7", "name": "red-fox", "state": state}}
    told = Environment().from_string(found["body"]).render(context)
    assert found["type"] == "send-notification"
    assert told.splitlines() == [
        "pipeline-dbt-complet on target dev: run red-fox is Late.",
        "no message",
        "https://prefect.example/runs/flow-run/7",
    ]


def test_e_mail_is_html_that_no_message_can_break() -> None:
    found = action("dev", "sendgrid-email", "1", URL)
    state = {"name": "Failed", "message": "dbt-run failed: <b>1 & 2"}
    context = {"flow_run": {"id": "7", "name": "red-fox", "state": state}}
    assert Environment().from_string(found["body"]).render(context).splitlines() == [
        "pipeline-dbt-complet on target dev: run red-fox is Failed.<br>",
        "dbt-run failed: &lt;b&gt;1 &amp; 2<br>",
        "https://prefect.example/runs/flow-run/7",
    ]


def test_the_page_of_a_server_and_of_prefect_cloud() -> None:
    assert page_url("http://127.0.0.1:4200/api") == "http://127.0.0.1:4200"
    cloud = "https://api.prefect.cloud/api/accounts/a1/workspaces/w1"
    assert page_url(cloud) == "https://app.prefect.cloud/account/a1/workspace/w1"


def test_the_place_of_an_alert_block_begins_the_message_and_is_no_change() -> None:
    def connect() -> Requests:
        raise AssertionError

    kind = ExistingBlocks()
    known = {"adopt": False, "block_type": "webhook", "block_name": "on-call", "hint": "line 3"}
    moved = known | {"hint": "line 4"}
    lifecycle = Lifecycle(kind, connect)
    assert not lifecycle.diff("1", known, moved).changes
    assert not lifecycle.diff("1", {k: v for k, v in known.items() if k != "hint"}, moved).changes
    assert str(kind.gone(moved, "http://p/api")).startswith(
        "line 4: Prefect at http://p/api has no block webh"
    )
