"""Functions whose answers differ from BigQuery's: each call becomes one of a macro or a function of ours.

They are rewritten in the statement's BigQuery tree, before bqemulator 1.4.0 translates it. Wanted answers:
https://cloud.google.com/bigquery/docs/reference/standard-sql, in tests/local/google/expressions.txt.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import sqlglot
from bqemulator.sql import inner_query
from bqemulator.sql.translator import SQLTranslator
from bqemulator.storage.engine import DuckDBEngine
from sqlglot import exp
from sqlglot.errors import SqlglotError

from local.emulator.functions import (
    aggregates,
    arguments,
    arrays,
    casts,
    dates,
    floats,
    formats,
    json_values,
    numbers,
    numerics,
    pivots,
    signatures,
    strings,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_ROOMS = (aggregates, arrays, casts, dates, floats, formats, json_values, numbers, numerics, strings)
_RULES: dict[type[exp.Expr], Callable[[Any], exp.Expression | None]] = {
    kind: rule for room in _ROOMS for kind, rule in room.RULES.items()
}


_PYTHON = frozenset(
    {
        "google__encoded",
        "google__exact",
        "google__format",
        "google__format_time",
        "google__host",
        "google__json",
        "google__legible",
        "google__parse_seconds",
    }
)
_DATABASE = "google"
_CALL = re.compile(r"(?<![\w.])(google__\w+)\(", re.IGNORECASE)


def patch() -> None:
    """Know the functions in every DuckDB, and call them in every statement."""
    translate = SQLTranslator.translate
    register, execute = DuckDBEngine._register_builtin_udfs, DuckDBEngine.execute

    def with_functions(self: SQLTranslator, bq_sql: str, **named: Any) -> Any:
        return translate(self, rewrite(bq_sql), **named)

    def registered(engine: DuckDBEngine) -> None:
        register(engine)
        for room in (formats, json_values, numerics, strings):
            room.register(engine.connection)
        engine.connection.execute(f"ATTACH ':memory:' AS {_DATABASE}")
        macros = "".join(
            macro
            for room in (
                signatures,
                arguments,
                arrays,
                casts,
                dates,
                floats,
                json_values,
                numbers,
                numerics,
                strings,
            )
            for macro in room.macros()
        )
        engine.connection.execute(qualified(macros))

    def executed(engine: DuckDBEngine, sql: str, parameters: Any = None) -> Any:
        return execute(engine, qualified(sql), parameters)

    SQLTranslator.translate = with_functions
    # Else sqlglot qualifies the statement itself, by bare names, only to learn what AVG is over.
    inner_query.build_catalog_schema = lambda *_, **__: {}
    DuckDBEngine._register_builtin_udfs = registered
    DuckDBEngine.execute = executed


def qualified(sql: str) -> str:
    """Say where the macros lie; functions in Python lie everywhere."""
    return _CALL.sub(
        lambda call: call[0] if call[1].lower() in _PYTHON else f"{_DATABASE}.main.{call[0].lower()}", sql
    )


def rewrite(sql: str) -> str:
    """Give the statement with its calls replaced; as it was where it has none, or can't be read."""
    try:
        [statement] = sqlglot.parse(sql, read="bigquery")
    except (SqlglotError, ValueError):
        return sql
    if statement is None or isinstance(statement, exp.Command):
        return sql
    # These look at what was written.
    changed = pivots.rewritten(statement)
    changed |= signatures.check(statement) | arguments.check(statement) | floats.order(statement)
    # Inner ones first: what replaces an outer one holds them.
    for node in reversed(list(statement.walk())):
        rule = _RULES.get(type(node))
        replacement = rule(node) if rule is not None else None
        if replacement is not None:
            changed = True
            if node is statement:
                statement = replacement
            else:
                node.replace(replacement)
    return statement.sql(dialect="bigquery") if changed else sql
