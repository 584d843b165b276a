"""The blocks of `save_blocks`, sent to Prefect as they are: no library takes seconds to be imported.

`test_blocks` compares both.
"""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.asking import ask

# dbt's that a block of Prefect's knows; none is set.
SWITCHES = (
    "send_anonymous_usage_stats",
    "use_colors",
    "partial_parse",
    "printer_width",
    "write_json",
    "warn_error",
    "log_format",
    "debug",
    "version_check",
    "fail_fast",
    "use_experimental_parser",
    "static_parser",
)


def private_key() -> str:
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return made.private_bytes(encoding, form, serialization.NoEncryption()).decode()


def key(target: str, token_url: str, pem: str) -> dict[str, Any]:
    return {
        "type": "service_account",
        "project_id": "demo-flights",
        "private_key_id": "0123",
        "private_key": pem,
        "client_email": f"dbt-{target}@demo-flights.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": f"{token_url}/token",
    }


def send(api: str, target: str, bigquery_url: str, token_url: str, pem: str) -> None:
    """Make the chain of blocks of a target."""
    credentials = _create(
        api,
        "gcp-credentials",
        f"gcp-credentials-{target}",
        {
            "service_account_info": key(target, token_url, pem),
            "service_account_file": None,
            "project": "demo-flights",
        },
    )
    configs = _create(
        api,
        "dbt-cli-bigquery-target-configs",
        f"bigquery-target-configs-{target}",
        {
            "type": "bigquery",
            "project": "demo-flights",
            "schema": f"demo_flights_{target}",
            "threads": 4,
            "credentials": credentials,
            "extras": {"location": "EU", "api_endpoint": bigquery_url, "job_retries": 1},
            "allow_field_overrides": False,
        },
    )
    switches = _create(
        api,
        "dbt-cli-global-configs",
        f"dbt-cli-global-configs-{target}",
        {**dict.fromkeys(SWITCHES), "extras": {"show_failing_rows": True}, "allow_field_overrides": False},
    )
    data = {"name": "projet_m2_bi", "target": target, "target_configs": configs, "global_configs": switches}
    _create(api, "dbt-cli-profile", f"dbt-cli-profile-{target}", data)


def _create(api: str, block_type: str, name: str, data: dict[str, Any]) -> dict[str, Any]:
    """Make one; what another block has to refer to it."""
    kind = ask("GET", f"{api}/block_types/slug/{block_type}")["id"]
    [schema, *_] = ask(
        "POST", f"{api}/block_schemas/filter", {"block_schemas": {"block_type_id": {"any_": [kind]}}}
    )
    body = {"name": name, "data": data, "block_type_id": kind, "block_schema_id": schema["id"]}
    return {"$ref": {"block_document_id": ask("POST", f"{api}/block_documents/", body)["id"]}}
