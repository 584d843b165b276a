from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from flows.errors import NotSetUpError, NotYetError, UnreachableError, UsageError
from flows.target import dbt_profile as profile
from flows.target import warehouse
from local.google.errors import ApiOffError
from tests.flows.documents import configs, document, key
from tests.flows.servers import TOKEN, Answer, answering
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable

DATASET = "/bigquery/v2/projects/demo-flights/datasets/demo_flights_dev"


@pytest.fixture(scope="module")
def pem() -> str:
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return made.private_bytes(encoding, form, serialization.NoEncryption()).decode()


def connected(pem: str, url: str, token_url: str | None = None) -> profile.DbtProfile:
    credentials = {"service_account_info": key(private_key=pem, token_uri=f"{token_url or url}/token")}
    settings = configs(credentials=credentials, extras={"api_endpoint": url})
    return profile.from_document(document(target_configs=settings), "dev")


def google(dataset: Answer, token: Answer = (200, TOKEN)) -> Callable[[str, str], Answer]:
    return lambda _method, path: token if path == "/token" else dataset if path == DATASET else (400, {})


def refusal(message: str, reason: str = "") -> dict[str, Any]:
    return {"error": {"message": message, "errors": [{"reason": reason, "message": message}]}}


def test_a_warehouse_that_answers_is_fine(pem: str) -> None:
    with answering(google((200, {"id": "x"}))) as url:
        warehouse.check(connected(pem, url))


@pytest.mark.parametrize(
    ("dataset", "token", "said"),
    [
        ((404, refusal("Not found")), (200, TOKEN), "demo-flights.demo_flights_dev does not exist"),
        ((403, refusal("Access Denied: bigquery.datasets.get")), (200, TOKEN), "roles/bigquery.dataEditor"),
        ((403, refusal("Access Denied: x", "accessDenied")), (200, TOKEN), "roles/bigquery.dataEditor"),
        ((403, {"error": "no"}), (200, TOKEN), "roles/bigquery.dataEditor"),
        ((401, refusal("Invalid Credentials")), (200, TOKEN), "gcp-credentials-dev"),
        ((200, {}), (400, {"error": "invalid_grant"}), "gcp-credentials-dev does not sign in"),
    ],
)
def test_what_is_not_set_up_is_named(pem: str, dataset: Answer, token: Answer, said: str) -> None:
    with (
        answering(google(dataset, token)) as url,
        pytest.raises(NotSetUpError, match="pulumi up -s dev") as caught,
    ):
        warehouse.check(connected(pem, url))
    assert said in str(caught.value)


def test_an_api_that_is_off_is_told_with_what_switches_it_on(pem: str) -> None:
    """No grant helps there; it may need its time, as a grant does."""
    off = ApiOffError("bigquery.googleapis.com", "BigQuery API", "123").body()
    with answering(google((403, off), (200, TOKEN))) as url, pytest.raises(NotYetError) as caught:
        warehouse.check(connected(pem, url))
    assert "BigQuery API has not been used in project 123 before or it is disabled" in str(caught.value)
    assert "`gcloud services enable bigquery.googleapis.com --project 123`" in str(caught.value)
    assert "roles/" not in str(caught.value)


def test_a_grant_that_is_not_in_force_yet_is_waited_for_and_told(
    pem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as it may take; a local BigQuery, where a grant counts at once, is not asked again."""
    answers: list[Answer] = [(403, refusal("Access Denied: x", "accessDenied"))] * 3 + [(200, {"id": "x"})]
    pauses: list[float] = []
    said: list[str] = []
    monkeypatch.setattr("flows.target.warehouse.time.sleep", pauses.append)

    def google(_method: str, path: str) -> Answer:
        return (200, TOKEN) if path == "/token" else answers.pop(0)

    with answering(google) as url:
        monkeypatch.setenv(warehouse.GRANT_PATIENCE, "420")
        warehouse.check_patiently(connected(pem, url), said.append)
        assert pauses == [1.0, 2.0, 4.0]
        assert "It needs roles/bigquery.dataEditor" in said[0]
        assert "Google may need some minutes: asking again, 0 seconds of 420" in said[0]
        answers = [(403, refusal("Access Denied: x", "accessDenied"))] * 2
        monkeypatch.delenv(warehouse.GRANT_PATIENCE)
        with pytest.raises(NotYetError):
            warehouse.check_patiently(connected(pem, url), said.append)
    assert (len(said), len(answers)) == (3, 1)
    monkeypatch.setenv(warehouse.GRANT_PATIENCE, "long")
    with pytest.raises(UsageError, match="GRANT_PATIENCE='long' is no number of seconds"):
        warehouse.patience(connected(pem, url))


def test_googles_own_grants_may_take_minutes(pem: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(warehouse.GRANT_PATIENCE, raising=False)
    ours = connected(pem, "http://127.0.0.1:1")
    output = {name: value for name, value in ours.output.items() if name != "api_endpoint"}
    assert warehouse.patience(replace(ours, output=output)) == 420
    assert warehouse.patience(ours) == 0


def test_a_warehouse_that_is_away_is_named(pem: str) -> None:
    away = f"http://127.0.0.1:{free_port()}"
    with answering(google((200, {}))) as url, pytest.raises(UnreachableError) as caught:
        warehouse.check(connected(pem, away, token_url=url))
    assert away in str(caught.value)
    assert "demo-flights" in str(caught.value)


def test_a_token_endpoint_that_is_away_is_named(pem: str) -> None:
    away = f"http://127.0.0.1:{free_port()}"
    with answering(google((200, {}))) as url, pytest.raises(UnreachableError, match=f"{away}/token does not"):
        warehouse.check(connected(pem, url, token_url=away))


@pytest.mark.parametrize(
    ("status", "reason"),
    [(503, "backendError"), (403, "rateLimitExceeded"), (403, "quotaExceeded"), (403, "backendError")],
)
def test_a_warehouse_that_is_busy_is_left_to_dbt(pem: str, status: int, reason: str) -> None:
    with answering(google((status, refusal("Exceeded rate limits", reason)))) as url:
        warehouse.check(connected(pem, url))


def test_a_lost_connection_is_tried_again(pem: str, monkeypatch: pytest.MonkeyPatch) -> None:
    away = connected(pem, f"http://127.0.0.1:{free_port()}")
    pauses: list[float] = []
    monkeypatch.setattr("flows.target.warehouse.time.sleep", pauses.append)
    with pytest.raises(UnreachableError):
        warehouse.check(away)
    assert pauses == [1.0, 2.0]


def test_a_key_that_is_none_is_refused_without_asking() -> None:
    with pytest.raises(NotSetUpError, match="not a private key in PEM format") as caught:
        warehouse.check(connected("planted-nonsense", "http://127.0.0.1:1"))
    assert "planted-nonsense" not in str(caught.value)
