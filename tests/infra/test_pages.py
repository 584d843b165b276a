"""Addresses to look at: Google's console, and Prefect's page where it is not where its API is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from uuid import UUID

import pulumi
import pytest
from prefect.utilities.urls import url_for

from infra.outputs.pages import bigquery_page, object_page, prefect_api, prefect_page, service_account_page
from tests.infra.loops import event_loops

API = "http://prefect.svc:4200/api"
ID = UUID(int=7)


@pytest.fixture(autouse=True)
def loop() -> Iterator[None]:
    with event_loops():
        yield


@pytest.fixture(autouse=True)
def prefect(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Prefect as a pipeline inside the cluster sees it; the configuration goes again."""
    monkeypatch.setenv("PREFECT_API_URL", API)
    monkeypatch.delenv("PREFECT_UI_URL", raising=False)
    pulumi.runtime.set_all_config({})
    yield monkeypatch
    pulumi.runtime.set_all_config({})


def resolved(output: pulumi.Output[str]) -> str | None:
    async def told() -> str | None:
        return await output.future()

    return asyncio.get_event_loop().run_until_complete(told())


def test_prefects_page_is_beside_its_api_unless_something_says_where(prefect: pytest.MonkeyPatch) -> None:
    assert prefect_page() == "http://prefect.svc:4200"
    # A variable that GitHub does not know is an empty one.
    prefect.setenv("PREFECT_UI_URL", "")
    assert prefect_page() == "http://prefect.svc:4200"
    prefect.setenv("PREFECT_UI_URL", "https://prefect.example.com/")
    assert prefect_page() == "https://prefect.example.com"
    pulumi.runtime.set_all_config({"prefect:uiUrl": "https://flows.example.com/"})
    assert prefect_page() == "https://flows.example.com"
    assert resolved(object_page("automation", "7")) == "https://flows.example.com/automations/automation/7"


def test_a_password_in_an_address_is_in_no_link(prefect: pytest.MonkeyPatch) -> None:
    prefect.setenv("PREFECT_API_URL", "https://me:s3cret@prefect.example.com/api/")
    assert (prefect_api(), prefect_page()) == (
        "https://prefect.example.com/api",
        "https://prefect.example.com",
    )
    prefect.setenv("PREFECT_UI_URL", "https://me:s3cret@flows.example.com")
    assert prefect_page() == "https://flows.example.com"
    pulumi.runtime.set_all_config({"prefect:apiUrl": "https://me:s3/cret@prefect.example.com/api"})
    with pytest.raises(pulumi.RunError, match="is no address like") as raised:
        prefect_api()
    assert "s3" not in str(raised.value).partition(" is no address")[0]


def test_where_there_is_no_prefect_nothing_is_made(
    prefect: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("home")
    prefect.setenv("PREFECT_API_URL", "")
    prefect.setenv("PREFECT_HOME", str(home))
    with pytest.raises(pulumi.RunError, match=r"where is Prefect\?.*prefect cloud login"):
        prefect_page()
    (home / "profiles.toml").write_text(
        'active = "cloud"\n[profiles.cloud]\n'
        'PREFECT_API_URL = "https://api.prefect.cloud/api/accounts/a/workspaces/w"\n'
    )
    prefect.delenv("PREFECT_API_URL")
    assert prefect_page() == "https://app.prefect.cloud/account/a/workspace/w"


@pytest.mark.parametrize("kind", ["deployment", "automation", "work-pool"])
def test_objects_are_where_prefect_says_that_they_are(kind: str) -> None:
    expected = url_for(kind, obj_id=ID, url_type="ui", default_base_url="http://prefect.svc:4200")
    assert resolved(object_page(kind, str(ID))) == expected


def test_googles_console_has_a_page_of_each_dataset_and_of_the_account() -> None:
    found = bigquery_page("demo-flights", "demo_flights_dev_raw")
    assert found == (
        "https://console.cloud.google.com/bigquery?project=demo-flights"
        "&ws=!1m4!1m3!3m2!1sdemo-flights!2sdemo_flights_dev_raw"
    )
    assert resolved(service_account_page("demo-flights", "1234")) == (
        "https://console.cloud.google.com/iam-admin/serviceaccounts/details/1234?project=demo-flights"
    )


def test_the_local_endpoint_takes_the_consoles_place() -> None:
    local = "http://127.0.0.1:1"
    assert bigquery_page("demo-flights", "d", local) == f"{local}/#d"
    assert resolved(service_account_page("demo-flights", "1234", local)) == f"{local}/#1234"
