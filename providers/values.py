"""A block's data as Pulumi and Prefect hand it over: unknowns, references, secrets, what counts as equal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

# What the engine sends in place of a value that a preview cannot know yet (pulumi.runtime.rpc.UNKNOWN), and
# how a secret travels over its protocol (pulumi.runtime.rpc.wrap_rpc_secret). Both are part of Pulumi's wire
# format. They are repeated here so that this module, and the client above it, need no Pulumi.
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105  a type tag, not a password

# Prefect shows this in place of a secret, and takes it back as "leave the secret as it is".
MASK = "********"

# How Pulumi carries a null in a map, and a number beyond its own: {"$json": "null"}.
EXACT = "$json"

SCALARS = {"string", "integer", "number", "boolean", "null"}


def reference(block_document_id: Any) -> dict[str, Any]:
    """Return what a block's data holds to refer to another block."""
    return {"$ref": {"block_document_id": block_document_id}}


def is_reference(value: Any) -> bool:
    """Tell whether a value refers to another block."""
    return isinstance(value, Mapping) and "$ref" in value


def has_unknown(value: Any) -> bool:
    """Tell whether a value, or anything in it, is not known yet."""
    if isinstance(value, Mapping):
        return any(has_unknown(inner) for inner in value.values())
    if isinstance(value, list):
        return any(has_unknown(inner) for inner in value)
    return bool(value == UNKNOWN)


def canonical(value: Any) -> str:
    """Return a text that is the same for two values exactly when Prefect cannot tell them apart.

    Pulumi's numbers are doubles and its maps have no nulls, so 4.0 is 4 and an absent key is a null one.
    """
    return json.dumps(_plain(value), sort_keys=True)


def precise(value: Any) -> str:
    """Return a text that is the same for two values exactly when they are the same JSON; 4.0 is 4."""
    return json.dumps(_whole(value), sort_keys=True)


def pack(value: Any) -> Any:
    """Return a value as Pulumi can carry it without a change: outputs in it stay outputs.

    Pulumi drops nulls from maps, and its numbers are doubles; what it would change travels as JSON's text. A
    null that is the whole value is left out.
    """
    if isinstance(value, Mapping):
        return {key: _exact(inner) for key, inner in value.items()}
    return [_exact(inner) for inner in value] if isinstance(value, list | tuple) else _exact(value, top=True)


def pack_properties(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return a resource's properties as Pulumi can carry them; one that is null is none."""
    return {name: pack(value) for name, value in properties.items()}


def unpack(value: Any) -> Any:
    """Return what `pack` packed."""
    if isinstance(value, Mapping):
        if value.keys() == {EXACT}:
            return json.loads(value[EXACT])
        return {key: unpack(inner) for key, inner in value.items()}
    return [unpack(inner) for inner in value] if isinstance(value, list) else value


def _exact(value: Any, *, top: bool = False) -> Any:
    if hasattr(value, "apply"):
        return value.apply(pack if top else _exact)
    if value is None:
        return None if top else {EXACT: "null"}
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**53:
        return {EXACT: json.dumps(value)}
    return pack(value) if isinstance(value, Mapping | list | tuple) else value


def _whole(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _whole(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_whole(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def is_open(field: str, fields: Mapping[str, Any] | None) -> bool:
    """Tell whether a field of a block may be shown: only if its schema says it is a scalar and no secret.

    `fields` is the block schema's `fields`; without a schema nothing may be shown. An object or an untyped
    value may hold a key (`extras` of a dbt target, for one), so those are secret whatever the schema says.
    """
    if fields is None:
        return False
    declared = fields.get("properties", {}).get(field)
    if declared is None or _names_secret(field, fields.get("secret_fields", [])):
        return False
    return all(
        variant.get("type") in SCALARS
        and variant.get("format") != "password"
        and not variant.get("writeOnly")
        for variant in declared.get("anyOf", [declared])
    )


def _names_secret(field: str, secret_fields: list[str]) -> bool:
    return any(secret == field or secret.startswith(f"{field}.") for secret in secret_fields)


def hidden(data: Mapping[str, Any], fields: Mapping[str, Any] | None) -> set[str]:
    """Return the fields of a block's data that may not be shown. References to other blocks may."""
    return {field for field, value in data.items() if not is_reference(value) and not is_open(field, fields)}


def seal(data: Mapping[str, Any], fields: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the data with every field that may not be shown wrapped as a secret, as the engine reads it."""
    secrets = {field for field in hidden(data, fields) if data[field] != UNKNOWN}
    return {
        field: {SIGNATURE: SECRET, "value": value} if field in secrets else value
        for field, value in data.items()
    }


def revisions(
    olds: Mapping[str, Any], data: Mapping[str, Any], fields: Mapping[str, Any] | None
) -> dict[str, int | str]:
    """Count how often each hidden field has changed, so that a preview can show that it does.

    `olds` are the properties before. Pulumi prints a secret as `[secret]` whether it changes or not, and a
    digest of it would help to guess it.
    """
    before, counts = olds.get("data", {}), olds.get("revisions", {})
    return {
        field: UNKNOWN if has_unknown(data[field]) else counts.get(field, 1) + _changed(before, data, field)
        for field in sorted(hidden(data, fields))
    }


def _changed(before: Mapping[str, Any], data: Mapping[str, Any], field: str) -> bool:
    return field in before and canonical(before[field]) != canonical(data[field])
