from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.catalog.schemas import committed
from providers.values import SIGNATURE, UNKNOWN, canonical, has_unknown, is_open, reference, seal

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12)


def fields(slug: str) -> dict[str, Any]:
    kind = committed(slug)
    assert kind is not None
    return kind.fields


@given(JSON)
def test_json_survives_its_own_text(value: Any) -> None:
    assert canonical(json.loads(json.dumps(value))) == canonical(value)


@given(st.dictionaries(st.text(), JSON))
def test_the_order_of_keys_does_not_matter(value: dict[str, Any]) -> None:
    assert canonical(dict(reversed(value.items()))) == canonical(value)


@given(JSON, JSON)
def test_equal_texts_mean_equal_values(one: Any, other: Any) -> None:
    if canonical(one) == canonical(other):
        assert json.loads(canonical(one)) == json.loads(canonical(other))


@pytest.mark.parametrize(("one", "other"), [(4.0, 4), ({"a": None}, {}), ([{"a": None}], [{}])])
def test_same_to_prefect(one: Any, other: Any) -> None:
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(
    ("one", "other"), [(True, 1), ("1", 1), ([], {}), (0, False), ("", {}), ([None], [])]
)
def test_different_to_prefect(one: Any, other: Any) -> None:
    assert canonical(one) != canonical(other)


@given(JSON)
def test_an_unknown_is_found_at_any_depth(value: Any) -> None:
    assert has_unknown([{"a": [value, UNKNOWN]}])


@pytest.mark.parametrize(
    ("slug", "field", "is_shown"),
    [
        ("gcp-credentials", "project", True),
        ("gcp-credentials", "service_account_info", False),
        ("gcp-credentials", "no-such-field", False),
        ("dbt-cli-bigquery-target-configs", "schema", True),
        ("dbt-cli-bigquery-target-configs", "threads", True),
        ("dbt-cli-bigquery-target-configs", "extras", False),
        ("dbt-cli-bigquery-target-configs", "credentials", False),
        ("dbt-cli-profile", "target_configs", False),
    ],
)
def test_only_plain_scalars_are_shown(slug: str, field: str, is_shown: bool) -> None:
    assert is_open(field, fields(slug)) == is_shown


def test_nothing_is_shown_without_a_schema() -> None:
    assert not is_open("project", None)


def test_a_secret_scalar_is_not_shown() -> None:
    schema = {"properties": {"token": {"type": "string"}}, "secret_fields": ["token"]}
    assert not is_open("token", schema)


@given(st.dictionaries(st.text(), JSON))
def test_whatever_has_no_schema_is_sealed(data: dict[str, Any]) -> None:
    for field, sealed in seal(data, None).items():
        assert sealed[SIGNATURE]
        assert sealed["value"] == data[field]


def test_references_and_unknowns_stay_as_they_are() -> None:
    data = {"credentials": reference("1"), "extras": UNKNOWN}
    assert seal(data, fields("dbt-cli-bigquery-target-configs")) == data
