"""The client against a real Prefect server: documents, types and schemas."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from providers.api.errors import GoneError, RejectedError, UnknownTypeError
from providers.api.prefect_client import PrefectClient
from providers.catalog.schemas import committed
from providers.values import MASK, canonical, reference
from tests.providers import chains
from tests.providers.chains import CREDENTIALS, TARGET, schema
from tests.providers.prefect_server import PrefectServer
from tests.providers.test_data import JSON

pytestmark = pytest.mark.real
COUNTER = itertools.count()


@pytest.fixture(scope="module")
def client(prefect: PrefectServer) -> Iterator[PrefectClient]:
    with closing(chains.client(prefect.url, answer_timeout=30)) as client:
        yield client


def create(client: PrefectClient, name: str, data: dict[str, Any], slug: str = CREDENTIALS) -> str:
    return chains.create(client, slug, name, data)


@pytest.mark.parametrize("data", [{"project": "theirs"}, {"project": "ours"}])
def test_a_name_that_is_taken_gives_none(
    client: PrefectClient, prefect: PrefectServer, prefix: str, data: dict[str, str]
) -> None:
    create(client, f"{prefix}a", {"project": "theirs"})
    assert client.create(CREDENTIALS, f"{prefix}a", data, schema(client, CREDENTIALS)) is None
    assert prefect.documents(prefix)[f"{prefix}a"]["data"] == {"project": "theirs"}


def test_the_same_name_in_another_type_is_free(client: PrefectClient, prefix: str) -> None:
    first = create(client, f"{prefix}a", {"project": "p"})
    assert create(client, f"{prefix}a", {"schema": "ds"}, TARGET) != first


def test_replacing_leaves_nothing_of_the_old_data(
    client: PrefectClient, prefect: PrefectServer, prefix: str
) -> None:
    document = create(client, f"{prefix}a", {"project": "p", "service_account_info": {"a": "1", "b": "2"}})
    client.replace(document, {"service_account_info": {"b": "3"}}, schema(client, CREDENTIALS))
    assert prefect.documents(prefix)[f"{prefix}a"]["data"] == {"service_account_info": {"b": "3"}}


def test_a_reference_reads_back_as_one(client: PrefectClient, prefix: str) -> None:
    one, other = (create(client, f"{prefix}{name}", {"project": name}) for name in "ab")
    target = create(client, f"{prefix}t", {"schema": "ds", "credentials": reference(one)}, TARGET)
    client.replace(target, {"schema": "ds", "credentials": reference(other)}, schema(client, TARGET))
    document = client.document(target)
    assert document is not None
    assert document.data == {"schema": "ds", "credentials": reference(other)}


def test_a_reference_to_nothing_is_declined(client: PrefectClient, prefix: str) -> None:
    nothing = "00000000-0000-4000-8000-000000000000"
    with pytest.raises(RejectedError, match=r"points? to a block that was deleted"):
        create(client, f"{prefix}t", {"schema": "ds", "credentials": reference(nothing)}, TARGET)


def test_deleting_twice_is_fine_and_changing_what_is_gone_is_not(client: PrefectClient, prefix: str) -> None:
    document = create(client, f"{prefix}a", {})
    client.delete(document)
    client.delete(document)
    assert client.document(document) is None
    with pytest.raises(GoneError, match="pulumi up --refresh"):
        client.replace(document, {}, schema(client, CREDENTIALS))


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=st.dictionaries(st.text(min_size=1), JSON), second=st.dictionaries(st.text(min_size=1), JSON))
def test_whatever_is_sent_is_what_is_read(
    client: PrefectClient, prefix: str, first: dict[str, Any], second: dict[str, Any]
) -> None:
    """Whatever Prefect itself can keep: no surrogates, no masks."""
    data = {"service_account_info": first, "project": "p"}
    if MASK in str(first) + str(second) or not _text(first) or not _text(second):
        return
    document = create(client, f"{prefix}{next(COUNTER)}", data)
    for version in (first, second):
        client.replace(document, {**data, "service_account_info": version}, schema(client, CREDENTIALS))
        found = client.document(document)
        assert found is not None
        assert canonical(found.data) == canonical({**data, "service_account_info": version})
    client.delete(document)


def _text(value: Any) -> bool:
    try:
        return bool(repr(value).encode()) and "\\u0000" not in canonical(value)
    except UnicodeEncodeError:
        return False


def test_an_unknown_type_says_how_to_make_it_known(client: PrefectClient) -> None:
    with pytest.raises(
        UnknownTypeError, match=r"python -m providers.catalog.schemas .*prefect block register"
    ):
        client.newest_schema("no-such-type")


def test_a_type_that_only_the_server_knows(client: PrefectClient, prefix: str) -> None:
    newest = client.newest_schema("slack-webhook")
    document = client.create("slack-webhook", f"{prefix}hook", {"url": "https://x"}, newest)
    found = client.find("slack-webhook", f"{prefix}hook")
    assert document is not None
    assert found is not None
    assert (found.id, found.checksum, found.version) == (document.id, newest.checksum, newest.version)


def test_a_schema_that_nobody_has(client: PrefectClient) -> None:
    kind = committed(CREDENTIALS)
    assert kind is not None
    with pytest.raises(UnknownTypeError):
        client.schema(CREDENTIALS, kind.checksum, "0.0.0")
