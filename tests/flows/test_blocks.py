"""Blocks that the classes of prefect_gcp and prefect_dbt have saved, read by `flows`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from flows.errors import NotSetUpError, UnreachableError, UsageError
from flows.target import blocks
from flows.target import dbt_profile as profile
from local.platform.ports import free_port
from tests.flows.servers import answering

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.flows.conftest import Platform


@pytest.fixture
def connected(platform: Platform) -> Iterator[Platform]:
    with temporary_settings({PREFECT_API_URL: platform.prefect}):
        yield platform


@pytest.mark.real
def test_the_whole_chain_becomes_a_profile(connected: Platform) -> None:
    made = profile.from_document(blocks.load_dbt_cli_profile("tiny"), "tiny")
    assert (made.name, made.target) == ("projet_m2_bi", "tiny")
    assert made.output["schema"] == "demo_flights_tiny"
    assert made.output["api_endpoint"] == connected.bigquery
    assert made.key["private_key"] == connected.pem
    assert connected.pem.splitlines()[1] not in made.text


@pytest.mark.real
def test_the_place_of_the_tables_is_read_without_secrets(connected: Platform) -> None:
    assert blocks.load_bigquery_target("tiny") == blocks.BigQueryTarget(
        project="demo-flights", schema="demo_flights_tiny", location="EU", api_endpoint=connected.bigquery
    )
    assert blocks.load_bigquery_target("tiny").raw_schema == "demo_flights_tiny_raw"


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
