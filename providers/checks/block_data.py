"""Find what is wrong with a block's name and data before anything is sent.

Messages never quote a value of the data: it may be secret.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from providers.values import MASK, UNKNOWN, has_unknown, is_reference

DEFINITIONS = "#/definitions/"
NAME = re.compile(r"[a-z0-9-]+")


def name_problems(name: Any) -> list[str]:
    """List what is wrong with a block's name; Prefect's rule, which its server answers with 422."""
    if name == UNKNOWN:
        return []
    if not isinstance(name, str) or not NAME.fullmatch(name):
        return [
            f"name: {name!r} may only have lowercase letters, digits and dashes, and at least one of them"
        ]
    return []


def data_problems(data: Any, fields: Mapping[str, Any]) -> list[str]:
    """List what is wrong with the data by the block's own schema, each beginning with the field's path.

    Unknown values and references to other blocks fit wherever the schema has room for them.
    """
    if data == UNKNOWN:
        return []
    if not isinstance(data, Mapping):
        return ["data: must be an object"]
    return [
        *_not_json(data, "data"),
        *_unknown_fields(data, fields),
        *_reference_problems(data, fields),
        *_masks(data, fields),
        *_schema_problems(data, fields),
    ]


def _not_json(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _not_json(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _not_json(inner, f"{path}[{index}]")
    elif isinstance(value, float) and not math.isfinite(value):
        yield f"{path}: must be a finite number"
    elif isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value):
        yield f"{path}: is not valid Unicode text"


def _unknown_fields(data: Mapping[str, Any], fields: Mapping[str, Any]) -> Iterator[str]:
    known = fields.get("properties", {})
    # Prefect ignores a field it does not know, so a slip would lose a setting without a word.
    if fields.get("additionalProperties"):
        return
    for field in data:
        if field not in known:
            close = difflib.get_close_matches(field, known, n=1)
            hint = (
                f"did you mean {close[0]!r}?"
                if close
                else f"it has {', '.join(sorted(known)) or 'no fields'}"
            )
            yield f"data.{field}: block type {fields.get('block_type_slug')!r} has no such field; {hint}"


def _reference_problems(data: Mapping[str, Any], fields: Mapping[str, Any]) -> Iterator[str]:
    for field, value in data.items():
        if not is_reference(value):
            if _has_reference(value):
                yield f"data.{field}: a reference to a block only works as the whole field, not inside it"
            continue
        target = value["$ref"]
        if not isinstance(target, Mapping) or not target.get("block_document_id"):
            yield f'data.{field}: a reference looks like {{"$ref": {{"block_document_id": <id>}}}}'
        declared = fields.get("properties", {}).get(field)
        if declared is not None and not _takes_block(field, declared, fields):
            yield f"data.{field}: takes a value, not a reference to a block"


def _has_reference(value: Any) -> bool:
    if isinstance(value, Mapping):
        inner_reference = isinstance(value.get("$ref"), Mapping) and "block_document_id" in value["$ref"]
        return inner_reference or any(_has_reference(inner) for inner in value.values())
    return isinstance(value, list) and any(_has_reference(inner) for inner in value)


def _takes_block(field: str, declared: Mapping[str, Any], fields: Mapping[str, Any]) -> bool:
    if field in fields.get("block_schema_references", {}):
        return True
    if any(_takes_anything(variant, fields) for variant in declared.get("anyOf", [declared])):
        return True
    # A field typed by a base class or a union of blocks is only recognisable by its definitions.
    text = json.dumps(declared)
    return any(
        f'"#/definitions/{name}"' in text and "block_type_slug" in definition
        for name, definition in fields.get("definitions", {}).items()
    )


def _takes_anything(variant: Mapping[str, Any], fields: Mapping[str, Any]) -> bool:
    """Tell whether a part of a schema has room for any JSON, as that of the value of a `secret` block."""
    typed = {"type", "const", "enum", "allOf", "anyOf", "oneOf"} & variant.keys()
    return not typed and not _points_somewhere(variant.get("$ref"), fields)


def _points_somewhere(pointer: Any, fields: Mapping[str, Any]) -> bool:
    """Tell whether a `$ref` leads to a definition. Prefect leaves out that of pydantic's JsonValue."""
    return isinstance(pointer, str) and pointer.removeprefix(DEFINITIONS) in fields.get("definitions", {})


def _without_dangling(schema: Any, fields: Mapping[str, Any]) -> Any:
    if isinstance(schema, Mapping):
        return {
            key: _without_dangling(inner, fields)
            for key, inner in schema.items()
            if not (
                key == "$ref" and str(inner).startswith(DEFINITIONS) and not _points_somewhere(inner, fields)
            )
        }
    return [_without_dangling(inner, fields) for inner in schema] if isinstance(schema, list) else schema


def _masks(data: Mapping[str, Any], fields: Mapping[str, Any]) -> Iterator[str]:
    for secret in fields.get("secret_fields", []):
        field = secret.partition(".")[0]
        if _holds_mask(data.get(field)):
            yield f"data.{field}: holds {MASK}, which is how Prefect masks a secret, not a secret"


def _holds_mask(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_holds_mask(inner) for inner in value.values())
    return bool(value == MASK)


def _schema_problems(data: Mapping[str, Any], fields: Mapping[str, Any]) -> Iterator[str]:
    known = {field: UNKNOWN if is_reference(value) else value for field, value in data.items()}
    for error in _validator(json.dumps(fields)).iter_errors(known):
        if error.instance == UNKNOWN or (error.context and has_unknown(error.instance)):
            continue
        yield f"{_path(error)}: {_explain(error)}"


@functools.lru_cache(maxsize=64)
def _validator(fields: str) -> Any:
    # Costs 0.3 s to import, so only where there is something new to validate.
    jsonschema = importlib.import_module("jsonschema")
    schema = json.loads(fields)
    return jsonschema.Draft202012Validator(_without_dangling(schema, schema))


def _path(error: Any) -> str:
    path = "data"
    for part in error.absolute_path:
        path += f"[{part}]" if isinstance(part, int) else f".{part}"
    if error.validator == "required":
        # One error for each field that is missing; only its text says which.
        missing = next(field for field in error.validator_value if error.message.startswith(repr(field)))
        return f"{path}.{missing}"
    return path


def _explain(error: Any) -> str:
    """Say what the schema wants. jsonschema's own message quotes the value."""
    if error.validator == "required":
        return "is missing"
    if error.validator == "type":
        return f"must be {_types(error.validator_value)}, not {_type_of(error.instance)}"
    if error.validator in {"anyOf", "oneOf"}:
        wanted = [inner["type"] for inner in error.validator_value if isinstance(inner.get("type"), str)]
        wanted += ["block" for inner in error.validator_value if "$ref" in inner]
        return f"must be {_types(wanted)}, not {_type_of(error.instance)}, or does not fit the schema inside"
    if error.validator == "const":
        return f"must be {error.validator_value!r}"
    if error.validator == "enum":
        return f"must be one of {', '.join(map(repr, error.validator_value))}"
    return f"does not fit the schema: {error.validator} {error.validator_value!r}"


def _types(wanted: Any) -> str:
    names = [wanted] if isinstance(wanted, str) else list(dict.fromkeys(wanted))
    return " or ".join(names)


def _type_of(value: Any) -> str:
    for kind, name in (
        (bool, "boolean"),
        (str, "string"),
        (int, "integer"),
        (float, "number"),
        (list, "array"),
    ):
        if isinstance(value, kind):
            return name
    return "null" if value is None else "object"
