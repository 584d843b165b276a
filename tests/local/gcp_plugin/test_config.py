"""The provider's configuration."""

from __future__ import annotations

import pytest

from local.gcp_plugin import config
from local.gcp_plugin.errors import PluginError

LOCAL = "http://127.0.0.1:19050"


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for names in config._ENVIRONMENT.values():
        for name in names:
            monkeypatch.delenv(name, raising=False)


def test_keys_are_the_sdk_s() -> None:
    assert {
        "project",
        "region",
        "accessToken",
        "bigQueryCustomEndpoint",
        "defaultLabels",
    } <= config.known_keys()
    assert len(config.known_keys()) > 100


def test_unknown_key_names_the_near_one() -> None:
    (problem,) = config.problems({"bigQeryCustomEndpoint": f"{LOCAL}/bigquery/v2/"})
    assert "`gcp:bigQeryCustomEndpoint` is not a valid configuration key" in problem
    assert "Did you mean `gcp:bigQueryCustomEndpoint`?" in problem


@pytest.mark.parametrize("address", ["x", "http://127.0.0.1:19050", "127.0.0.1:19050/", f"{LOCAL}/v1"])
def test_address_needs_its_form(address: str) -> None:
    (problem,) = config.problems({"iamCustomEndpoint": address})
    assert "gcp:iamCustomEndpoint must be an address that ends in a slash" in problem


@pytest.mark.parametrize("host", ["bigquery.googleapis.com", "googleapis.com", "BigQuery.GoogleAPIs.com"])
def test_real_google_is_refused(host: str) -> None:
    (problem,) = config.problems({"bigQueryCustomEndpoint": f"https://{host}/bigquery/v2/"})
    assert "names the real Google" in problem


def test_good_configuration_has_no_problems() -> None:
    given = {"project": "p", "region": "europe-west1", "version": "10.2.0", "__internal": {}}
    assert config.problems({**given, "bigQueryCustomEndpoint": f"{LOCAL}/bigquery/v2/"}) == []


def test_credentials_are_refused_without_showing_them() -> None:
    (problem,) = config.problems({"credentials": "SECRET"})
    assert "gcp:credentials is not supported" in problem
    assert "SECRET" not in problem


def test_missing_endpoint_names_the_key() -> None:
    with pytest.raises(PluginError, match=r"gcp:bigQueryCustomEndpoint is not set.*pulumi config set"):
        config.Config().endpoint("bigquery")


@pytest.mark.parametrize("address", [f"{LOCAL}/", f"{LOCAL}/v1/", f"{LOCAL}/v1beta1/"])
@pytest.mark.parametrize("key", ["iamCustomEndpoint", "iamBetaCustomEndpoint"])
def test_both_forms_of_the_iam_address(key: str, address: str) -> None:
    assert config.parse({key: address}).endpoint("iam") == f"{LOCAL}/v1"


def test_bigquery_address_is_taken_whole() -> None:
    parsed = config.parse({"bigQueryCustomEndpoint": f"{LOCAL}/bigquery/v2/"})
    assert parsed.endpoint("bigquery") == f"{LOCAL}/bigquery/v2"


def test_environment_stands_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_OAUTH_ACCESS_TOKEN", "from-environment")
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "from-environment")
    parsed = config.parse({"accessToken": "from-config"})
    assert (parsed.access_token, parsed.project) == ("from-config", "from-environment")
    assert "from-config" not in repr(parsed)


def test_structured_settings_are_json() -> None:
    parsed = config.parse({"defaultLabels": '{"team": "bi"}', "addPulumiAttributionLabel": "false"})
    assert parsed.default_labels == {"team": "bi"}
    assert not parsed.attribution_label
