from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from flows.errors import NotSetUpError
from flows.target import dbt_profile as profile
from tests.flows.documents import PEM, configs, document, key


def test_profile_is_what_dbt_expects() -> None:
    text = profile.from_document(document(), "dev").text
    output = yaml.safe_load(text)["projet_m2_bi"]["outputs"]["dev"]
    assert yaml.safe_load(text)["projet_m2_bi"]["target"] == "dev"
    assert output["method"] == "service-account-json"
    assert (output["project"], output["schema"], output["threads"]) == ("demo-flights", "demo_flights_dev", 4)
    assert (output["location"], output["job_retries"]) == ("EU", 1)


def test_private_key_is_a_reference() -> None:
    made = profile.from_document(document(), "dev")
    keyfile = yaml.safe_load(made.text)["projet_m2_bi"]["outputs"]["dev"]["keyfile_json"]
    assert keyfile["private_key"] == "{{ env_var('DBT_ENV_SECRET_BIGQUERY_PRIVATE_KEY') }}"
    assert made.environment["DBT_ENV_SECRET_BIGQUERY_PRIVATE_KEY"] == PEM
    assert "PlantedMarker" not in made.text
    assert "PlantedMarker" not in repr(made)


def test_every_variable_is_blanked_by_dbt() -> None:
    environment = profile.from_document(document(), "dev").environment
    assert all(name.startswith("DBT_ENV_SECRET_") for name in environment)
    assert json.dumps(PEM)[1:-1] in environment.values()


def test_text_does_not_depend_on_the_order_of_the_document() -> None:
    turned = document()
    turned["target_configs"] = dict(reversed(configs().items()))
    turned = dict(reversed(turned.items()))
    assert profile.from_document(turned, "dev").text == profile.from_document(document(), "dev").text


def test_key_is_whole_for_signing_in() -> None:
    assert profile.from_document(document(), "dev").key == key()


def test_fields_of_their_own_win_over_extras() -> None:
    extras = {"method": "service-account-json", "project": "other", "priority": None}
    output = profile.from_document(document(target_configs=configs(extras=extras)), "dev").output
    assert (output["method"], output["project"]) == ("service-account-json", "demo-flights")
    assert "priority" not in output


def keyless(**extras: Any) -> dict[str, Any]:
    return document(target_configs=configs(credentials={"project": "demo-flights"}, extras=extras))


def test_impersonation_is_dbts_own() -> None:
    made = profile.from_document(keyless(method="oauth", impersonate_service_account="dbt@x"), "dev")
    output = yaml.safe_load(made.text)["projet_m2_bi"]["outputs"]["dev"]
    assert (output["method"], output["impersonate_service_account"]) == ("oauth", "dbt@x")
    assert "keyfile_json" not in output
    assert (made.way, made.environment) == ("impersonation", {})


def test_a_machines_own_identity_is_spelt_out() -> None:
    made = profile.from_document(keyless(method="oauth", attached_service_account="dbt@x"), "dev")
    assert (made.way, made.output["method"]) == ("attached", "oauth")
    assert made.output[profile.ATTACHED] == "dbt@x"


def test_a_machines_identity_without_a_name_is_not_taken() -> None:
    with pytest.raises(
        NotSetUpError, match=r"bigquery-target-configs-dev does not say which service account"
    ):
        profile.from_document(keyless(method="oauth"), "dev")


@pytest.mark.parametrize(
    "extras", [{}, {"impersonate_service_account": "dbt@x"}, {"method": "oauth-secrets"}]
)
def test_without_a_key_nothing_is_guessed(extras: dict[str, str]) -> None:
    with pytest.raises(NotSetUpError, match=r"holds no service account key.*is spelt out"):
        profile.from_document(keyless(**extras), "dev")


@pytest.mark.parametrize("extras", [{"method": "oauth"}, {"impersonate_service_account": "dbt@x"}])
def test_a_key_and_another_way_are_not_chosen_between(extras: dict[str, str]) -> None:
    with pytest.raises(NotSetUpError, match="holds a key, but"):
        profile.from_document(document(target_configs=configs(extras=extras)), "dev")


def test_project_may_come_from_the_credentials() -> None:
    made = profile.from_document(document(target_configs=configs(project=None)), "dev")
    assert made.output["project"] == "demo-flights"


@pytest.mark.parametrize(
    ("changes", "block", "what"),
    [
        ({"target": "prod"}, "dbt-cli-profile-dev", "is for the target 'prod'"),
        ({"name": ""}, "dbt-cli-profile-dev", "does not name a dbt profile"),
        ({"target_configs": None}, "dbt-cli-profile-dev", "does not refer to bigquery-target-configs-dev"),
        ({"target_configs": configs(type="postgres")}, "bigquery-target-configs-dev", "is not for BigQuery"),
        ({"target_configs": configs(schema=None)}, "bigquery-target-configs-dev", "names no schema"),
        (
            {"target_configs": configs(project=None, credentials={"service_account_info": key()})},
            "bigquery-target-configs-dev",
            "names no project",
        ),
        ({"target_configs": configs(credentials=None)}, "gcp-credentials-dev", "no service account key"),
        (
            {"target_configs": configs(credentials={"project": "demo-flights"})},
            "gcp-credentials-dev",
            "no service account key",
        ),
        (
            {"target_configs": configs(credentials={"service_account_info": key(private_key="")})},
            "gcp-credentials-dev",
            "without private_key",
        ),
    ],
)
def test_broken_blocks_are_named_with_the_repair(changes: dict[str, Any], block: str, what: str) -> None:
    with pytest.raises(NotSetUpError, match="pulumi up -s dev") as caught:
        profile.from_document(document(**changes), "dev")
    assert f"the block {block} " in str(caught.value)
    assert what in str(caught.value)
    assert "PlantedMarker" not in str(caught.value)


def test_the_stacks_variables_are_dbts_and_its_secrets_are_no_text() -> None:
    variables = {"REGION": "north", "TOKEN": "planted-token"}
    made = profile.from_document(document(environment={"variables": variables, "secret": ["TOKEN"]}), "dev")
    assert variables.items() <= made.environment.items()
    # What is blanked, and what is not.
    assert (set(made.variables), set(made.secrets)) == ({"REGION"}, {"TOKEN", profile.PRIVATE_KEY})
    assert "planted-token" not in repr(made)
    assert "planted-token" not in made.decides
    # A run goes on only with the same values.
    other = document(environment={"variables": {**variables, "REGION": "south"}, "secret": ["TOKEN"]})
    assert made.decides != profile.from_document(other, "dev").decides
    rotated = document(
        environment={"variables": {**variables, "TOKEN": "another-token"}, "secret": ["TOKEN"]}
    )
    assert made.decides == profile.from_document(rotated, "dev").decides
