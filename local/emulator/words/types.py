"""BigQuery's words for types that do not go together: the engine's, and those that functions/ has put in.

Source of names: https://duckdb.org/docs/stable/sql/data_types/overview
"""

from __future__ import annotations

import re

_TYPES = {
    "BIGINT": "INT64",
    "BLOB": "BYTES",
    "BOOLEAN": "BOOL",
    "DOUBLE": "FLOAT64",
    "HUGEINT": "INT64",
    "INTEGER": "INT64",
    "INTEGER_LITERAL": "INT64",
    "STRING_LITERAL": "STRING",
    "TEXT": "STRING",
    "TIMESTAMP": "DATETIME",
    "TIMESTAMPTZ": "TIMESTAMP",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMP",
    "TIMESTAMP_MICROS": "DATETIME",
    "VARCHAR": "STRING",
}
_UNKNOWN = "No matching signature for"
_INTEGERS = ("INT8", "INT16", "INT32", "INT64", "UINT64", "INT128")


# How BigQuery calls what the engine calls otherwise.
_CALLED = {
    "~~": "LIKE",
    "BQEMU_LOWER_UNICODE": "LOWER",
    "BQEMU_UPPER_UNICODE": "UPPER",
    "LIKE_ESCAPE": "LIKE",
    "LISTAGG": "STRING_AGG",
    "REGEXP_MATCHES": "REGEXP_CONTAINS",
    "STRING_SPLIT": "SPLIT",
    "STR_SPLIT": "SPLIT",
    "SUBSTRING": "SUBSTR",
}
# https://cloud.google.com/bigquery/docs/reference/standard-sql/string_functions
_OF_BYTES_TOO = re.compile(
    r"[&|^~]|ASCII|(?:END|START)S_WITH|INSTR|LEFT|LIKE|LOWER|[LR]PAD|[LR]?TRIM|REGEXP_\w+|REPLACE|REVERSE|RIGHT"
    r"|SPLIT|STRING_AGG|STRPOS|SUBSTR|TRANSLATE|UPPER"
)


def signature(found: re.Match[str]) -> str:
    """Say what the engine says of a call."""
    name, kinds = _CALLED.get(found["name"].upper(), found["name"].upper()), found["types"]
    if "BLOB" in kinds and _OF_BYTES_TOO.fullmatch(name):
        return f"the local BigQuery can't do {name} of BYTES; Google can"
    kind = "function" if name.isidentifier() and name != "LIKE" else "operator"
    types = ", ".join(type_name(each) for each in re.split(r", (?![^()]*\))", kinds)) or "none"
    return f"{_UNKNOWN} {kind} {name} for argument types: {types}"


def type_name(name: str) -> str:
    """Give BigQuery's name of a type of the engine."""
    if name.endswith("[]"):
        return f"ARRAY<{type_name(name[:-2])}>"
    bare = name.partition("(")[0]
    if name.startswith("DECIMAL") and name.endswith(("18)", "18 )")):
        return "BIGNUMERIC"
    return {"DECIMAL": "NUMERIC", "STRUCT": "STRUCT"}.get(bare, _TYPES.get(name, name))


def not_together(found: re.Match[str]) -> str:
    """Say what functions/checks/signatures.py has put into the name of a field."""
    name, types = found["name"].upper(), [_type_of_list(found[one]) for one in ("x", "y")]
    if name == "CASE":
        return (
            f"{_UNKNOWN} operator CASE; all THEN/ELSE arguments must be coercible to a common "
            f"type but found: {', '.join(types)}"
        )
    if name.startswith(("SET.", "TEXT.")):
        column = found["name"].partition(".")[2]
        types = types[::-1] if name.startswith("TEXT.") else types
        return f"Value of type {types[0]} cannot be assigned to {column}, which has type {types[1]}"
    if name == "USING":
        return f"Column in USING has incompatible types on either side of the join: {', '.join(types)}"
    if name == "IN":
        return f"{_UNKNOWN} operator IN for argument types: {types[0]} and {{{types[1]}}}"
    kind = "function" if name in ("COALESCE", "GREATEST", "IF", "LEAST", "NULLIF") else "operator"
    return f"{_UNKNOWN} {kind} {name.removesuffix('_WHEN')} for argument types: {', '.join(types)}"


def no_condition(found: re.Match[str]) -> str:
    """Say that something is no BOOL."""
    name, kind = found["name"].upper(), _type_of_list(found["x"])
    if name in ("HAVING", "ON", "QUALIFY", "WHERE"):
        clause = "JOIN ON" if name == "ON" else name
        return f"{clause} clause should return type BOOL, but returns type {kind}"
    return f"{_UNKNOWN} {'function' if name == 'IF' else 'operator'} {name} for argument types: {kind}"


def no_part(found: re.Match[str]) -> str:
    """Say that a type has no such date part."""
    name, part, kind = found["name"].upper(), found["part"].upper(), _type_of_list(found["x"])
    if name in ("+", "-"):
        return "TIMESTAMP +/- INTERVAL is not supported for intervals with non-zero MONTH or YEAR part."
    return f"{name} does not support the {part} date part when the argument is {kind} type"


def no_argument(found: re.Match[str]) -> str:
    """Say that a function does not take a type."""
    return f"{_UNKNOWN} function {found['name'].upper()} for argument types: {_type_of_list(found['x'])}"


def _type_of_list(name: str) -> str:
    return type_name(name.upper().removesuffix("[]"))


def bad_value(found: re.Match[str]) -> str:
    """Say that text is no value of a type."""
    kind = found["type"]
    words = "int64" if kind in _INTEGERS else type_name(kind).lower().removesuffix("64")
    return f"Bad {'double' if words == 'float' else words} value: {found['value']}"
