"""Further settings of dbt's profile, checked against those that dbt-bigquery has.

`dbt_profile_fields.json` says which there are and of which type: dbt itself takes seconds to import. A test
holds it to dbt-bigquery's own class (`python -m infra.settings --write` writes it).
"""

from __future__ import annotations

import difflib
import functools
import importlib
import json
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator

from infra.settings.values import FromJson

FIELDS = Path(__file__).with_name("dbt_profile_fields.json")
# What the stack says itself, and where.
_OWN = {
    "database": "gcp:project",
    "schema": "dataset",
    "location": "location",
    "threads": "threads",
    "maximum_bytes_billed": "maximumBytesBilled",
    "job_retries": "jobRetries",
    "job_execution_timeout_seconds": "jobTimeoutSeconds",
    "api_endpoint": "gcp:bigQueryCustomEndpoint",
}
_SIGN_IN = frozenset(
    {
        "method",
        "keyfile",
        "keyfile_json",
        "token",
        "refresh_token",
        "client_id",
        "client_secret",
        "token_uri",
        "token_endpoint",
        "impersonate_service_account",
        "workload_pool_provider_path",
        "service_account_impersonation_url",
    }
)


@functools.cache
def fields() -> dict[str, Any]:
    """Return the JSON Schema of each setting of dbt-bigquery's, and the older names of some."""
    found: dict[str, Any] = json.loads(FIELDS.read_text(encoding="utf-8"))
    return found


def of_dbt() -> dict[str, Any]:
    """Ask dbt-bigquery itself for what `fields` returns. Takes seconds."""
    from dbt.adapters.bigquery.credentials import BigQueryCredentials  # noqa: PLC0415

    schema = BigQueryCredentials.json_schema()
    aliases = dict(BigQueryCredentials._ALIASES)
    return {"properties": schema["properties"], "aliases": aliases}


def problems(profile: dict[str, Any]) -> dict[str, str]:
    """Return what is wrong, by name. No value is quoted: a wrong one may be a password."""
    return {name: why for name, value in profile.items() if (why := _problem(name, value))}


def _problem(name: str, value: Any) -> str:
    current = fields()["aliases"].get(name, name)
    if own := _OWN.get(current):
        return f"is the stack's own setting `{own}`"
    if current in _SIGN_IN:
        return "is about how dbt signs in: that is the setting `identity` (docs/identity.md)"
    schema = fields()["properties"].get(current)
    if schema is None:
        known = sorted({*fields()["properties"], *fields()["aliases"]} - _OWN.keys() - _SIGN_IN)
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known)}"
        return f"is no setting of dbt-bigquery's profile; {hint}"
    jsonschema: Any = importlib.import_module("jsonschema")  # only where there is such a setting

    if jsonschema.Draft202012Validator(schema).is_valid(value):
        return ""
    return f"has to be {_kinds(schema)}"


def _kinds(schema: dict[str, Any]) -> str:
    one_of = schema.get("anyOf", [schema])
    kinds = [" or ".join(one["enum"]) if "enum" in one else f"of type {one['type']}" for one in one_of]
    return ", ".join(kind for kind in kinds if kind != "of type null")


def _check(profile: dict[str, Any]) -> dict[str, Any]:
    if wrong := problems(profile):
        raise ValueError("; ".join(f"`{name}` {why}" for name, why in wrong.items()))
    return profile


Profile = Annotated[dict[str, Any], FromJson, AfterValidator(_check)]
