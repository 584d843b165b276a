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
from prefect.settings import get_current_settings

from flows.errors import NotSetUpError, UnreachableError
from flows.observe.redaction import without_user_info
from flows.run import record
from flows.target import names

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


def api_url() -> str:
    """Return the URL of Prefect's API to tell people, without user and password.

    Raises NotSetUpError if Prefect would start a server of its own.
    """
    url = get_current_settings().api.url
    if not url:
        raise NotSetUpError(
            "PREFECT_API_URL is not set, so there is no Prefect that could hold the blocks. For the local "
            'platform: `python -m local up`, then `eval "$(python -m local env)"`. Elsewhere: '
            "`prefect cloud login`, or `export PREFECT_API_URL=https://…/api`."
        )
    return without_user_info(url)


def unreachable(url: str) -> UnreachableError:
    """Return the error for a Prefect that does not answer at ``url``."""
    return UnreachableError(
        f"Prefect does not answer at {url} (PREFECT_API_URL). For the local platform: `python -m local up`, "
        'then `eval "$(python -m local env)"`.'
    )


def failure(error: BaseException, what: str) -> NotSetUpError | UnreachableError:
    """Return what to say of an error of Prefect's client, one of `record.lost`, asked for ``what``."""
    url = api_url()
    answer = error.__cause__ if isinstance(error, RuntimeError) else error
    if not isinstance(answer, httpx.HTTPStatusError):
        return unreachable(url)
    status = answer.response.status_code
    if status in {401, 403}:
        return NotSetUpError(
            f"Prefect at {url} refuses {what} (HTTP {status}). "
            "Set PREFECT_API_KEY (Prefect Cloud) or PREFECT_API_AUTH_STRING (own server) to a valid one."
        )
    return UnreachableError(f"Prefect at {url} answered HTTP {status} when asked for {what}.")


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
    url = api_url()
    try:
        with get_client(sync_client=True) as client:
            document = client.read_block_document_by_name(name, block_type, include_secrets=include_secrets)
    except ObjectNotFound as error:
        raise NotSetUpError(
            f"the block {name} does not exist in Prefect at {url}. Create it with {names.bring_up(target)}."
            + names.prefix_hint()
        ) from error
    except (httpx.HTTPError, RuntimeError) as error:
        if not record.lost(error):
            raise
        raise failure(error, f"the block {name}") from error
    return dict(document.data)
