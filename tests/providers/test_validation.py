from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.checks.block_data import data_problems, name_problems
from providers.values import MASK, UNKNOWN, reference
from tests.providers.test_data import JSON, fields

TARGET = "dbt-cli-bigquery-target-configs"
SECRET = "s3cret-marker"


def problems(slug: str, data: Any) -> str:
    return "\n".join(data_problems(data, fields(slug)))


@given(st.from_regex(r"[a-z0-9-]+", fullmatch=True))
def test_good_names(name: str) -> None:
    assert name_problems(name) == []


@given(st.text().filter(lambda name: not re.fullmatch(r"[a-z0-9-]+", name, re.ASCII)))
def test_bad_names(name: str) -> None:
    assert len(name_problems(name)) == 1


def test_an_unknown_name_may_turn_out_good() -> None:
    assert name_problems(UNKNOWN) == []


@given(st.text(), st.integers(), st.dictionaries(st.text(), JSON))
def test_good_targets(schema: str, threads: int, extras: dict[str, Any]) -> None:
    data = {"schema": schema, "threads": threads, "credentials": reference("1")}
    if "$ref" not in str(extras):
        data["extras"] = extras
    assert data_problems(data, fields(TARGET)) == []


@given(
    st.dictionaries(
        st.sampled_from(["schema", "threads", "project", "extras", "credentials"]), st.just(UNKNOWN)
    )
)
def test_unknowns_fit_everywhere(unknown: dict[str, str]) -> None:
    assert data_problems({"schema": "ds", **unknown}, fields(TARGET)) == []


def test_data_may_be_unknown_as_a_whole() -> None:
    assert data_problems(UNKNOWN, fields(TARGET)) == []


def test_an_unknown_inside_an_object_is_understood() -> None:
    assert data_problems({"service_account_info": {"private_key": UNKNOWN}}, fields("gcp-credentials")) == []


@pytest.mark.parametrize(
    ("slug", "data", "message"),
    [
        (TARGET, {}, "data.schema: is missing"),
        (TARGET, {"schema": "ds", "threads": "four"}, "data.threads: must be integer, not string"),
        (TARGET, {"schema": "ds", "threads": True}, "data.threads: must be integer, not boolean"),
        (
            TARGET,
            {"schema": "ds", "thread": 4},
            "data.thread: block type 'dbt-cli-bigquery-target-configs' has no such field",
        ),
        (TARGET, {"schema": "ds", "thread": 4}, "did you mean 'threads'?"),
        (TARGET, {"schema": "ds", "type": "postgres"}, "data.type: must be 'bigquery'"),
        (TARGET, {"schema": "ds", "extras": []}, "data.extras: must be object or null, not array"),
        (TARGET, {"schema": reference("1")}, "data.schema: takes a value, not a reference to a block"),
        (TARGET, {"schema": "ds", "credentials": {"$ref": {}}}, "data.credentials: a reference looks like"),
        (
            TARGET,
            {"schema": "ds", "extras": {"a": [reference("1")]}},
            "data.extras: a reference to a block only works",
        ),
        (TARGET, {"schema": "ds", "extras": {"a": float("nan")}}, "data.extras.a: must be a finite number"),
        (TARGET, {"schema": "\ud800"}, "data.schema: is not valid Unicode text"),
        (TARGET, [], "data: must be an object"),
        (
            "gcp-credentials",
            {"service_account_info": SECRET},
            "data.service_account_info: must be object or null",
        ),
        (
            "gcp-credentials",
            {"service_account_info": {"private_key": MASK}},
            "which is how Prefect masks a secret",
        ),
        ("dbt-cli-profile", {"name": "n", "target": "t"}, "data.target_configs: is missing"),
        (
            "dbt-cli-profile",
            {"target_configs": reference("1")},
            "data.name: is missing\ndata.target: is missing",
        ),
    ],
)
def test_a_problem_names_its_field(slug: str, data: Any, message: str) -> None:
    assert message in problems(slug, data)


@given(JSON)
def test_a_problem_never_quotes_a_value(junk: Any) -> None:
    data = {"project": [SECRET, junk], "service_account_info": SECRET, "service_account_file": {"a": SECRET}}
    assert SECRET not in problems("gcp-credentials", data)


# As Prefect 3.9.1 has it: the definition that its value points to is missing.
SECRET_BLOCK: dict[str, Any] = {
    "block_type_slug": "secret",
    "type": "object",
    "properties": {
        "value": {
            "anyOf": [
                {"format": "password", "type": "string", "writeOnly": True},
                {"$ref": "#/definitions/JsonValue", "title": "JSON"},
            ],
            "format": "password",
        }
    },
    "required": ["value"],
    "secret_fields": ["value"],
}


@pytest.mark.parametrize(
    "value", ["text", {"a": {"b": None}}, [1, "x"], 5, True, {"$ref": {"block_document_id": "an-id"}}]
)
def test_a_secret_takes_any_json_and_a_reference(value: Any) -> None:
    assert data_problems({"value": value}, SECRET_BLOCK) == []


def test_a_secret_without_a_value_is_still_refused() -> None:
    assert data_problems({}, SECRET_BLOCK) == ["data.value: is missing"]
