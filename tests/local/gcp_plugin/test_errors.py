"""Errors reach the user as the service gives them, with either plugin."""

from __future__ import annotations

import pytest

from tests.local.gcp_plugin import programs
from tests.local.gcp_plugin.engine import Ran, Stack
from tests.local.gcp_plugin.platform import Google

pytestmark = pytest.mark.real


def test_exists_already(stack: Stack, google: Google) -> None:
    google.call("POST", google.dataset("")[:-1], {"datasetReference": {"datasetId": "there"}})
    says(stack.up(programs.dataset("there")), "Error 409", "Already Exists: Dataset demo-flights:there")
    google.call("DELETE", google.dataset("there"))


def test_may_not(stack: Stack, google: Google) -> None:
    stack.token = google.token_of_a_stranger()
    ran = stack.up(programs.dataset("forbidden"))
    says(ran, "Error 403", "bigquery.datasets.create")
    assert stack.token not in ran.output


def test_token_is_none(stack: Stack) -> None:
    stack.token = "not-a-token"
    ran = stack.up(programs.dataset("unknown_caller"))
    says(ran, "Error 401")
    assert "not-a-token" not in ran.output


def test_full_dataset_is_not_deleted(stack: Stack, google: Google) -> None:
    stack.up(programs.dataset("full")).ok()
    google.call("POST", google.dataset("full") + "/tables", {"tableReference": {"tableId": "t"}})
    says(stack.destroy(), "Error 400", "Dataset demo-flights:full is still in use")
    stack.up(programs.dataset("full", delete_contents_on_destroy=True)).ok()
    stack.destroy().ok()
    assert "full" not in google.datasets()


def test_bad_inputs_are_refused_at_preview(stack: Stack) -> None:
    says(stack.preview(programs.dataset("with-dash")), '"dataset_id" must contain only letters', "datasetId")
    says(stack.preview(programs.account("dbt")), "must be between 6 and 30 characters long", "accountId")
    grant = 'gcp.projects.IAMMember("g", project="p", role="roles/viewer", member="nobody")'
    says(stack.preview(grant), 'invalid value "nobody" for member', "member")


def test_unknown_configuration_is_refused(stack: Stack) -> None:
    stack.configure(bigQeryCustomEndpoint="http://127.0.0.1:1/bigquery/v2/")
    ran = stack.preview(programs.dataset("any"))
    says(ran, "`gcp:bigQeryCustomEndpoint` is not a valid configuration key", "gcp:bigQueryCustomEndpoint")


def says(ran: Ran, *words: str) -> None:
    """The command failed, in these words and without a traceback."""
    ran.failed()
    for word in words:
        assert word in ran.output
    assert "Traceback" not in ran.output
    assert ".py:" not in ran.output
    assert 'File "' not in ran.output
