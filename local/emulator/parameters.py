"""Patch: a query's parameter has its declared type, and a name within a text is no parameter.

bqemulator 1.4.0 leaves it to DuckDB to guess the type of a value, and does not decode BYTES. A ? becomes a
name here, since what is rewritten may hold it twice.
"""

from __future__ import annotations

import base64
import re
from typing import Any

from bqemulator.sql import parameters
from sqlglot.dialects.bigquery import BigQuery
from sqlglot.errors import TokenError
from sqlglot.tokenizer_core import TokenType

_MARK = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|[@$](?P<name>\w+)")
_NUMBERED = "google__parameter_{}"


def patch() -> None:
    """Bind by name and type."""
    bind, kind = parameters._bind_positional, parameters._bq_to_duckdb_type

    def positional(sql: str, given: list[dict[str, Any]]) -> Any:
        if f"${_NUMBERED.format(1)}" not in sql:
            return bind(sql, given)
        return _named(
            sql, [one | {"name": _NUMBERED.format(place)} for place, one in enumerate(given, start=1)]
        )

    def typed(parameter_type: dict[str, Any]) -> str | None:
        if str(parameter_type.get("type")).upper() != "STRUCT":
            found: str | None = kind(parameter_type)
            return found
        fields = [
            (one.get("name"), typed(one.get("type") or {})) for one in parameter_type.get("structTypes") or ()
        ]
        if not all(name and inner for name, inner in fields):
            return None
        written = ", ".join(f'"{name}" {inner}' for name, inner in fields)
        return f"STRUCT({written})"

    parameters._bind_positional, parameters._bind_named = positional, _named
    parameters._bq_to_duckdb_type = typed
    parameters._SCALAR_CONVERTERS["BYTES"] = base64.b64decode
    parameters._BQ_SCALAR_TO_DUCKDB["BIGNUMERIC"] = "DECIMAL(38, 18)"


def numbered(sql: str) -> str:
    """Name each ? by its place."""
    if "?" not in sql:
        return sql
    try:
        places = [one for one in BigQuery().tokenize(sql) if one.token_type is TokenType.PLACEHOLDER]
    except TokenError:
        return sql
    for number, token in reversed(list(enumerate(places, start=1))):
        sql = f"{sql[: token.start]}@{_NUMBERED.format(number)}{sql[token.end + 1 :]}"
    return sql


def _named(sql: str, given: list[dict[str, Any]]) -> tuple[str, list[Any]]:
    by_name = {one["name"]: one for one in given}
    values: list[Any] = []

    def written(mark: re.Match[str]) -> str:
        parameter = by_name.get(mark["name"] or "")
        if parameter is None:
            return mark[0]
        values.append(parameters._extract_value(parameter))
        kind = parameters._bq_to_duckdb_type(parameter.get("parameterType", {}))
        return "?" if kind is None else f"CAST(? AS {kind})"

    return _MARK.sub(written, sql), values
