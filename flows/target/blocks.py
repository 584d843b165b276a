"""Read the blocks of a target from Prefect's API.

The block documents are read as data. Their classes stay unimported: `prefect_gcp` and `prefect_dbt` take 17
to 20 seconds to import, and `DbtCliProfile.load` loses the BigQuery settings that the document holds.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import httpx
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound

from flows.errors import NotSetUpError
from flows.target import names, prefect_api

# The extra of `dbt-cli-global-configs-<target>` that names the secret block with variables for dbt.
ENVIRONMENT = "environment_block"


@dataclass(frozen=True)
class BigQueryTarget:
    """Where a target's tables live. ``api_endpoint`` is None for Google's own BigQuery."""

    project: str
    schema: str
    location: str | None
    api_endpoint: str | None

    @property
    def raw_schema(self) -> str:
        """The dataset of the raw data that dbt's sources read."""
        return f"{self.schema}_raw"


def load_dbt_cli_profile(target: str) -> dict[str, Any]:
    """Return the document of `dbt-cli-profile-<target>` with the blocks it refers to and their secrets.

    Where its global configs name a secret block with dbt's variables (`ENVIRONMENT`), `environment` is what
    that holds: names and values in `variables`, and in `secret` the names whose values nobody is to read.
    """
    document = _load("dbt-cli-profile", names.dbt_cli_profile(names.check_target(target)), target)
    name = ((document.get("global_configs") or {}).get("extras") or {}).get(ENVIRONMENT)
    return {**document, "environment": _environment(name, target)} if name else document


def _environment(name: str, target: str) -> dict[str, Any]:
    value: Any = _load("secret", name, target).get("value")
    try:
        found = json.loads(value) if isinstance(value, str) else value
        return {"variables": _texts(found["variables"]), "secret": [str(name) for name in found["secret"]]}
    except (ValueError, TypeError, KeyError, AttributeError):
        # Without its cause, which quotes the secret.
        raise NotSetUpError(
            f"the block {name} does not hold dbt's variables. Repair it with {names.bring_up(target)}."
        ) from None


def _texts(values: Any) -> dict[str, str]:
    return {str(name): str(value) for name, value in values.items()}


def load_bigquery_target(target: str) -> BigQueryTarget:
    """Return the place that `bigquery-target-configs-<target>` names. Its secrets are not asked for.

    Raises UsageError for an impossible name, NotSetUpError if the block is absent or lacks its project or
    dataset, UnreachableError if Prefect does not answer.
    """
    name = names.bigquery_target_configs(names.check_target(target))
    document = _load("dbt-cli-bigquery-target-configs", name, target, include_secrets=False)
    extras = document.get("extras") or {}
    missing = [key for key in ("project", "schema") if not document.get(key)]
    if missing:
        raise NotSetUpError(
            f"the block {name} has no {' and no '.join(missing)}. Repair it with {names.bring_up(target)}."
        )
    return BigQueryTarget(
        project=document["project"],
        schema=document["schema"],
        location=extras.get("location"),
        api_endpoint=extras.get("api_endpoint"),
    )


def _load(block_type: str, name: str, target: str, *, include_secrets: bool = True) -> dict[str, Any]:
    url = prefect_api.address()
    try:
        with get_client(sync_client=True) as client:
            document = client.read_block_document_by_name(name, block_type, include_secrets=include_secrets)
    except ObjectNotFound as error:
        raise NotSetUpError(
            f"the block {name} does not exist in Prefect at {url}. Create it with {names.bring_up(target)}."
            + names.prefix_hint()
        ) from error
    except (httpx.HTTPError, RuntimeError) as error:
        if not prefect_api.lost(error):
            raise
        raise prefect_api.failure(error, f"the block {name}") from error
    return dict(document.data)
