"""The package schema, as far as `pulumi import` needs it to write a program for what it imported."""

from __future__ import annotations

import json
from typing import Any

from local.gcp_plugin import VERSION
from local.gcp_plugin.kind import Kind
from local.gcp_plugin.kinds import KINDS

_ANY = {"$ref": "pulumi.json#/Any"}
_TYPES: dict[type, dict[str, Any]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    dict: {"type": "object", "additionalProperties": _ANY},
    list: {"type": "array", "items": {"type": "object", "additionalProperties": _ANY}},
}


def package_schema() -> str:
    """Return the schema of the kinds served, as JSON."""
    return json.dumps(
        {
            "name": "gcp",
            "version": VERSION,
            "meta": {"moduleFormat": "(.*)(?:/[^/]*)"},
            "language": {"python": {"packageName": "pulumi_gcp"}},
            "resources": {token: _resource(kind) for token, kind in KINDS.items()},
        }
    )


def _resource(kind: Kind) -> dict[str, Any]:
    inputs = {key: _TYPES[prop.type] for key, prop in kind.properties.items()}
    return {
        "inputProperties": inputs,
        "requiredInputs": [key for key, prop in kind.properties.items() if prop.required],
        "properties": {key: {"type": "string"} for key in kind.outputs} | inputs,
    }
