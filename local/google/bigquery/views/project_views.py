"""Metadata views of a whole project or region: its datasets, and who was granted what.

Source: https://cloud.google.com/bigquery/docs/information-schema-intro
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.google.context import Gateway
    from local.google.iam.authorize import Caller

Columns = dict[str, str]
Rows = list[tuple[object, ...]]
_PRIVILEGES = dict.fromkeys(
    ("object_catalog", "object_schema", "object_name", "object_type", "privilege_type", "grantee"), "STRING"
)
_SCHEMATA = dict.fromkeys(("catalog_name", "schema_name", "schema_owner"), "STRING") | {
    "creation_time": "TIMESTAMP",
    "last_modified_time": "TIMESTAMP",
    "location": "STRING",
    "ddl": "STRING",
    "default_collation_name": "STRING",
}


def subquery(
    gateway: Gateway, caller: Caller, parts: tuple[str, ...], project: str
) -> tuple[Columns, Rows] | None:
    """Give the columns and rows of `p`.`region-r`.INFORMATION_SCHEMA.X; None for another name."""
    upper = [part.upper() for part in parts]
    if len(parts) < 2 or upper[-2] != "INFORMATION_SCHEMA":
        return None
    qualifiers = list(parts[:-2])
    region = qualifiers.pop()[7:] if qualifiers and qualifiers[-1].lower().startswith("region-") else ""
    if qualifiers and gateway.store.project(qualifiers[-1]) is None:
        return None
    if upper[-1] == "SCHEMATA" and len(qualifiers) < 2:
        return _SCHEMATA, list(_schemata(gateway, caller, qualifiers[-1] if qualifiers else project, region))
    if upper[-1] == "OBJECT_PRIVILEGES":
        return _PRIVILEGES, list(_privileges(gateway, caller, qualifiers[-1] if qualifiers else project))
    return None


def datasets_in(
    gateway: Gateway, caller: Caller, project: str, region: str = ""
) -> Iterator[tuple[str, Any]]:
    """Give the datasets that the caller may see, with what is known of each; "" is every region."""
    for name, record in sorted(gateway.authorizer.project(project).datasets.items()):
        there = not region or str(record.fields.get("location", "US")).lower() == region.lower()
        if there and gateway.authorizer.on_dataset(caller, project, name, "bigquery.datasets.get"):
            yield name, record


def _schemata(gateway: Gateway, caller: Caller, project: str, region: str) -> Iterator[tuple[object, ...]]:
    for name, record in datasets_in(gateway, caller, project, region):
        time = time_of(record.modified / 1000)
        location = str(record.fields.get("location", "US"))
        yield (project, name, None, time, time, location, f"CREATE SCHEMA `{project}.{name}`;", None)


def _privileges(gateway: Gateway, caller: Caller, project: str) -> Iterator[tuple[object, ...]]:
    for name, record in datasets_in(gateway, caller, project):
        for table, roles in sorted(record.grants.items()):
            kind = "VIEW" if table in record.views else "TABLE"
            for role, members in sorted(roles.items()):
                for member in members:
                    yield (project, name, table, kind, role, member)
        for entry in record.fields.get("access", []):
            grantee = entry.get("iamMember") or (
                f"user:{entry['userByEmail']}" if entry.get("userByEmail") else ""
            )
            if grantee and entry.get("role"):
                yield (project, None, name, "SCHEMA", entry["role"], grantee)


def time_of(seconds: float) -> str:
    """Write a time since 1970 as BigQuery reads it."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S.%f}+00"
