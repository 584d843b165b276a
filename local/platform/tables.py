"""What is in BigQuery, for a person to read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

from local.errors import LocalError
from local.plain_http import NO_CERTIFICATES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.platform.settings import Settings


def listing(config: Settings, token: str) -> list[tuple[str, str, str]]:
    """Every table and view as (`dataset.table`, type, rows); a view has no rows of its own.

    Raises:
        LocalError: BigQuery does not answer.
    """
    base = f"{config.google_url}/bigquery/v2/projects/{config.project}/datasets"
    headers = {"Authorization": f"Bearer {token}"}
    try:
        with httpx.Client(headers=headers, timeout=30, verify=NO_CERTIFICATES, trust_env=False) as client:
            return list(_tables(client, base))
    except httpx.HTTPError as error:
        raise LocalError(
            f"BigQuery at {config.google_url} does not answer: run `python -m local up`"
        ) from error


def _tables(client: httpx.Client, base: str) -> Iterator[tuple[str, str, str]]:
    for dataset in sorted(_ids(client, base, "datasets", "datasetReference", "datasetId")):
        url = f"{base}/{dataset}/tables"
        for table in sorted(_ids(client, url, "tables", "tableReference", "tableId")):
            found = client.get(f"{url}/{table}").raise_for_status().json()
            rows = f"{int(found['numRows']):>9,}" if found["type"] == "TABLE" else ""
            yield f"{dataset}.{table}", str(found["type"]).lower(), rows


def _ids(client: httpx.Client, url: str, items: str, reference: str, key: str) -> Iterator[str]:
    page: dict[str, Any] = {}
    while True:
        token = page.get("nextPageToken")
        page = client.get(url, params={"pageToken": token} if token else {}).raise_for_status().json()
        yield from (item[reference][key] for item in page.get(items, []))
        if not page.get("nextPageToken"):
            return
