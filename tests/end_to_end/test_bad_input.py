"""Mistakes and broken surroundings, on the real thing: one clear error, and nothing half-done."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import checkout
from tests.checkout import Checkout
from tests.end_to_end import servers

pytestmark = pytest.mark.real

LEAVES_THE_STACK = True


@pytest.fixture
def settings_file(stack: Checkout) -> Iterator[Path]:
    """The stack's file, put back afterwards."""
    path = stack.root / "Pulumi.local.yaml"
    before = path.read_text()
    yield path
    path.write_text(before)


# With a piece of what is told.
WRONG = {
    "projet-m2-bi:threads": ("0", "greater than or equal to 1 (found '0')"),
    "projet-m2-bi:location": ("europe-wst1", "did you mean europe-west1?"),
    "projet-m2-bi:dataset": ("my-data", "try my_data"),
    "projet-m2-bi:thread": ("4", "did you mean projet-m2-bi:threads?"),
}


def test_each_wrong_setting_is_refused_at_preview_with_its_line(stack: Checkout, settings_file: Path) -> None:
    lines = settings_file.read_text().splitlines()
    right = [line for line in lines if line.strip().partition(": ")[0] not in WRONG]
    first = right.index("config:") + 2
    right[first - 1 : first - 1] = [f"  {key}: {value}" for key, (value, _) in WRONG.items()]
    settings_file.write_text("\n".join(right) + "\n")
    refused = stack.pulumi("preview")
    assert refused.returncode != 0
    told = {line.strip() for line in refused.stdout.splitlines()}
    for number, (key, (_, expected)) in enumerate(WRONG.items(), first):
        place = f"Pulumi.local.yaml line {number} ({key})"
        assert [line for line in told if place in line and expected in line], refused.stdout
    assert "Traceback" not in refused.stdout + refused.stderr


def test_a_setting_of_the_wrong_type_is_refused(stack: Checkout, settings_file: Path) -> None:
    stack.set_line("Pulumi.local.yaml", "projet-m2-bi:threads", "many")
    refused = stack.pulumi("preview")
    assert refused.returncode != 0
    assert "key 'threads' must be of type 'integer'" in refused.stderr


def test_an_alert_block_that_is_not_there_is_told_with_its_line(stack: Checkout, settings_file: Path) -> None:
    lines = settings_file.read_text().splitlines()
    line = lines.index("config:") + 2
    lines.insert(line - 1, "  projet-m2-bi:alertBlock: slack-webhook/nobody")
    settings_file.write_text("\n".join(lines) + "\n")
    refused = stack.pulumi("preview")
    assert refused.returncode != 0
    told = refused.stdout + refused.stderr
    assert f"Pulumi.local.yaml line {line} (projet-m2-bi:alertBlock): Prefect at" in told
    assert "has no block slack-webhook/nobody" in told
    assert "Traceback" not in told


def test_an_unknown_target_names_the_block_and_the_command(stack: Checkout) -> None:
    refused = stack.python("-m", "flows.pipeline", "--target", "nowhere")
    assert refused.returncode == 3
    assert "dbt-cli-profile-nowhere" in refused.stderr
    assert "pulumi up -s nowhere" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_taken_port_is_named_with_its_owner_and_nothing_is_started(tmp_path: Path) -> None:
    copy = checkout.make(tmp_path / "copy")
    port = copy.settings().google_port
    with socket.create_server(("127.0.0.1", port)):
        refused = copy.local("up")
    assert refused.returncode == 1
    assert f"port {port}" in refused.stderr
    assert "(gcp:bigQueryCustomEndpoint)" in refused.stderr
    assert "pid" in refused.stderr
    assert not (copy.root / ".local" / "run").exists()


def test_with_prefect_down_up_and_flow_say_where_it_was_looked_for(stack: Checkout) -> None:
    url = stack.variables()["PREFECT_API_URL"]
    stack.stop("prefect")
    try:
        flow = stack.python("-m", "flows.pipeline", "--target", "local")
        up = stack.pulumi("refresh", "--yes", "--skip-preview")
    finally:
        assert stack.local("up").returncode == 0
    assert flow.returncode == 4
    assert url in flow.stderr
    assert "Traceback" not in flow.stderr
    assert up.returncode != 0
    assert url in up.stdout + up.stderr


def test_with_bigquery_down_the_flow_says_so(stack: Checkout) -> None:
    url = stack.variables()["BIGQUERY_API_ENDPOINT"]
    stack.stop("google")
    try:
        flow = stack.python("-m", "flows.pipeline", "--target", "local")
    finally:
        assert stack.local("up").returncode == 0
    assert flow.returncode == 4
    assert url in flow.stderr
    assert "Traceback" not in flow.stderr


def test_a_crashed_emulator_is_started_again_with_all_that_it_held(stack: Checkout) -> None:
    stack.stop("bigquery")
    assert stack.local("status").returncode == 3
    again = stack.local("up")
    assert again.returncode == 0, again.stderr
    assert "demo_flights_local" in servers.datasets(stack)


def test_without_the_platform_there_is_a_command_to_run(tmp_path: Path) -> None:
    copy = checkout.make(tmp_path / "copy")
    refused = copy.local("env")
    assert refused.returncode == 1
    assert "python -m local up" in refused.stderr
    assert copy.local("status").returncode == 3


@pytest.mark.parametrize("damaged", ["bigquery/data/bqemulator.duckdb", "google/state.json"])
def test_a_damaged_state_is_reported_and_reset_mends_it(tmp_path: Path, damaged: str) -> None:
    copy = checkout.make(tmp_path / "copy")
    file = copy.root / ".local" / damaged
    file.parent.mkdir(parents=True)
    file.write_bytes(b"\x00 not what it was \xff" * 1000)
    try:
        refused = copy.local("up")
        assert refused.returncode == 1
        assert "python -m local reset" in refused.stderr
        assert "Traceback" not in refused.stderr.split("The end of")[0]
        reset = copy.local("reset")
        assert reset.returncode == 0, reset.stderr
        assert not file.exists()
    finally:
        copy.local("down")


def test_a_lost_passphrase_is_reported(stack: Checkout) -> None:
    passphrase = stack.paths.passphrase
    kept = passphrase.with_name("kept")
    shutil.move(passphrase, kept)
    try:
        refused = stack.local("up")
    finally:
        shutil.move(kept, passphrase)
    assert refused.returncode == 1
    assert str(passphrase) in refused.stderr


def test_another_project_in_the_settings_starts_the_endpoints_anew(stack: Checkout) -> None:
    file = "Pulumi.local.yaml"
    stack.set_line(file, "gcp:project", "another-project")
    try:
        started = stack.local("up")
        assert started.returncode == 0, started.stderr
        assert "google: its settings have changed; starting it again" in started.stderr
        assert servers.google(stack, "/bigquery/v2/projects/another-project/datasets")
    finally:
        stack.set_line(file, "gcp:project", "demo-flights")
        assert stack.local("up").returncode == 0
