"""Blocks that the classes of prefect_gcp and prefect_dbt have saved, read by `flows`."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from flows.errors import NotSetUpError, UnreachableError, UsageError
from flows.target import blocks
from flows.target import dbt_profile as profile
from tests import warm_python
from tests.asking import ask
from tests.flows import servers
from tests.flows.conftest import Platform
from tests.flows.servers import answering
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def pem(platform: Platform) -> str:
    """The key in the blocks of the target `saved`, which the classes have saved."""
    of_tiny = documents(platform, "tiny")["gcp-credentials"]["service_account_info"]["token_uri"]
    words = [of_tiny.removesuffix("/token"), f"saved={platform.bigquery}"]
    python = str(warm_python.prefect())
    command = [python, "-m", "tests.flows.save_blocks", *words]
    env = platform.environment()
    done = subprocess.run(
        command, check=False, env=env, cwd=servers.ROOT, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture
def connected(platform: Platform) -> Iterator[Platform]:
    with temporary_settings({PREFECT_API_URL: platform.prefect}):
        yield platform


def documents(platform: Platform, target: str) -> dict[str, dict[str, Any]]:
    """What the blocks of a target hold, by their names without it."""
    body = {"include_secrets": True, "limit": 200}
    found = ask("POST", f"{platform.prefect}/block_documents/filter", body)
    ours = {
        one["name"].removesuffix(f"-{target}"): one for one in found if one["name"].endswith(f"-{target}")
    }
    return {name: one["data"] for name, one in ours.items()}


@pytest.mark.real
def test_what_the_other_tests_send_is_what_the_classes_save(platform: Platform, pem: str) -> None:
    saved = json.dumps(documents(platform, "saved"), sort_keys=True)
    sent = json.dumps(documents(platform, "tiny"), sort_keys=True)
    assert "credentials" in saved
    as_sent = saved.replace(json.dumps(pem), json.dumps(platform.pem))
    for before, after in (("_saved", "_tiny"), ("-saved", "-tiny"), ('"saved"', '"tiny"')):
        as_sent = as_sent.replace(before, after)
    assert json.loads(as_sent) == json.loads(sent)


@pytest.mark.real
def test_the_whole_chain_becomes_a_profile(connected: Platform, pem: str) -> None:
    made = profile.from_document(blocks.load_dbt_cli_profile("saved"), "saved")
    assert (made.name, made.target) == ("projet_m2_bi", "saved")
    assert made.output["schema"] == "demo_flights_saved"
    assert made.output["api_endpoint"] == connected.bigquery
    assert made.key["private_key"] == pem
    assert pem.splitlines()[1] not in made.text


@pytest.mark.real
@pytest.mark.usefixtures("pem")
def test_the_place_of_the_tables_is_read_without_secrets(connected: Platform) -> None:
    assert blocks.load_bigquery_target("saved") == blocks.BigQueryTarget(
        project="demo-flights", schema="demo_flights_saved", location="EU", api_endpoint=connected.bigquery
    )
    assert blocks.load_bigquery_target("saved").raw_schema == "demo_flights_saved_raw"


@pytest.mark.real
@pytest.mark.usefixtures("connected")
def test_a_missing_block_is_named_and_chained() -> None:
    with pytest.raises(NotSetUpError, match=r"bigquery-target-configs-prod.*pulumi up -s prod") as caught:
        blocks.load_bigquery_target("prod")
    assert type(caught.value.__cause__).__name__ == "ObjectNotFound"


def test_an_impossible_target_is_not_asked_for() -> None:
    with pytest.raises(UsageError):
        blocks.load_dbt_cli_profile("../admin")


@pytest.mark.parametrize(
    ("status", "error", "said"),
    [
        (401, NotSetUpError, "PREFECT_API_KEY"),
        (403, NotSetUpError, "PREFECT_API_AUTH_STRING"),
        (500, UnreachableError, "500"),
    ],
)
def test_a_refusal_of_prefect_is_told(status: int, error: type[Exception], said: str) -> None:
    with (
        answering(lambda _method, _path: (status, {})) as url,
        temporary_settings({PREFECT_API_URL: with_password(f"{url}/api")}),
        pytest.raises(error, match=said) as caught,
    ):
        blocks.load_dbt_cli_profile("dev")
    assert isinstance(caught.value.__cause__, httpx.HTTPStatusError | RuntimeError)
    assert f"Prefect at {url}/api " in str(caught.value)


def with_password(url: str) -> str:
    return url.replace("://", "://somebody:planted-word@")


def test_a_prefect_that_is_away_is_named_without_its_password() -> None:
    url = f"http://127.0.0.1:{free_port()}/api"
    with (
        temporary_settings({PREFECT_API_URL: with_password(url), PREFECT_CLIENT_MAX_RETRIES: 0}),
        pytest.raises(UnreachableError, match=f"does not answer at {url} ") as caught,
    ):
        blocks.load_dbt_cli_profile("dev")
    assert "planted-word" not in str(caught.value)


def test_what_is_no_loss_of_prefect_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_thread(**_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(blocks, "get_client", no_thread)
    with (
        temporary_settings({PREFECT_API_URL: "http://127.0.0.1:1/api"}),
        pytest.raises(RuntimeError, match="new thread"),
    ):
        blocks.load_dbt_cli_profile("dev")
