"""What the servers themselves say, asked over HTTP as anybody could."""

from __future__ import annotations

from typing import Any

from tests import prefect_objects
from tests.asking import ask
from tests.checkout import Checkout


def prefect(project: Checkout, path: str, body: dict[str, Any]) -> Any:
    """POST to the Prefect API."""
    return ask("POST", f"{project.variables()['PREFECT_API_URL']}{path}", body)


def objects(project: Checkout) -> dict[str, set[str]]:
    """The names of all that a stack makes in Prefect, by kind; flows, with their history, are not its own."""
    found = prefect_objects.named(project.variables()["PREFECT_API_URL"])
    return {kind: names for kind, names in found.items() if kind != "flows"}


def block_names(project: Checkout) -> set[str]:
    """Every named block on the server."""
    found = prefect(project, "/block_documents/filter", {"include_secrets": False})
    return {document["name"] for document in found}


def create_block(project: Checkout, slug: str, name: str, data: dict[str, Any]) -> str:
    """Create a block of some type as somebody would in Prefect's page; its id."""
    kind = ask("GET", f"{project.variables()['PREFECT_API_URL']}/block_types/slug/{slug}")
    schemas = prefect(
        project, "/block_schemas/filter", {"block_schemas": {"block_type_id": {"any_": [kind["id"]]}}}
    )
    ids = {"block_type_id": kind["id"], "block_schema_id": schemas[0]["id"]}
    return str(prefect(project, "/block_documents/", {"name": name, "data": data} | ids)["id"])


def google(project: Checkout, path: str) -> Any:
    """GET from the local Google endpoints, as the project's owner."""
    variables = project.variables()
    headers = {"Authorization": f"Bearer {variables['GOOGLE_OAUTH_ACCESS_TOKEN']}"}
    url = variables["BIGQUERY_API_ENDPOINT"]
    return ask("GET", f"{url}{path}", headers=headers)


def datasets(project: Checkout) -> set[str]:
    """Every dataset of the project."""
    found = google(project, "/bigquery/v2/projects/demo-flights/datasets")
    return {entry["datasetReference"]["datasetId"] for entry in found.get("datasets", [])}


def service_accounts(project: Checkout) -> set[str]:
    """Every service account of the project."""
    found = google(project, "/v1/projects/demo-flights/serviceAccounts")
    return {account["email"] for account in found.get("accounts", [])}


def rows(project: Checkout, dataset: str, table: str) -> int:
    """How many rows a table has."""
    found = google(project, f"/bigquery/v2/projects/demo-flights/datasets/{dataset}/tables/{table}")
    return int(found["numRows"])
