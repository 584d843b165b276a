"""The connections that dbt opens within one command share one identity, and no longer than that."""

from __future__ import annotations

from typing import Any

import pytest
from dbt.adapters.bigquery import connections, credentials
from dbt.adapters.contracts.connection import Connection
from google.auth.credentials import AnonymousCredentials

from flows.engine.internals.thrift.shared_sign_in import dbt_signs_in_once


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Open a connection as dbt does for a node; return the identity of its client."""
    monkeypatch.setattr(
        "dbt.adapters.bigquery.clients.create_google_credentials", lambda _: AnonymousCredentials()
    )

    def open_(asked: Any) -> Any:
        connection = Connection(type="bigquery", name="node", credentials=asked)
        return connections.BigQueryConnectionManager.open(connection).handle._credentials

    def profile() -> Any:
        output = {"method": "oauth", "database": "demo-flights", "schema": "demo_flights"}
        return credentials.BigQueryCredentials(execution_project="demo-flights", **output)

    return open_, profile


def test_connections_of_one_command_share_an_identity(opened: Any) -> None:
    open_, profile = opened
    asked = profile()
    with dbt_signs_in_once():
        first, again, other = open_(asked), open_(asked), open_(profile())
    assert first is again
    assert first is not other


def test_the_next_command_signs_in_anew(opened: Any) -> None:
    open_, profile = opened
    asked = profile()
    with dbt_signs_in_once():
        first = open_(asked)
    with dbt_signs_in_once():
        assert open_(asked) is not first
    assert open_(asked) is not open_(asked)
