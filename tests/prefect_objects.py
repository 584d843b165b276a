"""Every object of a Prefect server, as the server itself tells."""

from __future__ import annotations

from typing import Any

from tests.asking import ask

# How the API lists each kind, and what an object is deleted by; who refers to others comes first.
KINDS = {
    "automations": "id",
    "deployments": "id",
    "flows": "id",
    "work_pools": "name",
    "variables": "id",
    "v2/concurrency_limits": "id",
    "block_documents": "id",
}


def named(api: str) -> dict[str, set[str]]:
    """The names of all that there is, by kind."""
    return {kind: {one["name"] for one in _all(api, kind)} for kind in KINDS}


def delete_all(api: str) -> None:
    """Leave an empty server: block types, which every server has, stay."""
    for kind, key in KINDS.items():
        while found := _all(api, kind):
            for one in found:
                ask("DELETE", f"{api}/{kind}/{one[key]}")


def _all(api: str, kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ask("POST", f"{api}/{kind}/filter", {"limit": 200})
    return found
