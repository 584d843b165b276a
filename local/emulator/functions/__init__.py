"""Functions whose answers differ from BigQuery's: each call becomes one of a macro or a function of ours.

They are rewritten in the statement's BigQuery tree, before bqemulator 1.4.0 translates it. Wanted answers:
https://cloud.google.com/bigquery/docs/reference/standard-sql, in tests/local/google/expressions.txt.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import sqlglot
from bqemulator.domain.result import Ok
from bqemulator.sql import inner_query
from bqemulator.sql.translator import SQLTranslator
from bqemulator.storage.engine import DuckDBEngine
from sqlglot import exp
from sqlglot.errors import SqlglotError

from local.emulator.functions import (
    aggregates,
    arrays,
    casts,
    dates,
    floats,
    formats,
    literals,
    numbers,
    numerics,
    octets,
    ranges,
    strings,
)
from local.emulator.functions.checks import arguments, signatures
from local.emulator.functions.json_values import changes, written
from local.emulator.functions.macros import macro
from local.emulator.functions.tables import aliases, pivots, unnests
from local.emulator.parameters import numbered

if TYPE_CHECKING:
    from collections.abc import Callable

# Each has some of RULES, macros() and register().
_ROOMS: tuple[Any, ...] = (
    signatures,
    arguments,
    aggregates,
    arrays,
    casts,
    dates,
    floats,
    formats,
    literals,
    numbers,
    numerics,
    octets,
    ranges,
    strings,
    unnests,
    changes,
    written,
)


def _rules() -> dict[type[exp.Expr], Callable[[Any], exp.Expression | None]]:
    found: dict[type[exp.Expr], Callable[[Any], exp.Expression | None]] = {}
    for room in _ROOMS:
        twice = found.keys() & getattr(room, "RULES", {}).keys()
        if twice:
            raise ValueError(f"{room.__name__} has a rule for {twice}, as another room has")
        found |= getattr(room, "RULES", {})
    return found


_RULES = _rules()
# An error within a lambda, since TRY takes none that it sees.
_ERROR = macro("google__error", {"words": "list_transform([words], lambda w: error(w))[1]"})
_MACROS = _ERROR + re.sub(
    r"(?<!\w)error\(",
    "google__error(",
    "".join(one for room in _ROOMS for one in getattr(room, "macros", list)()),
)
_NAMES = frozenset(re.findall(r"MACRO (google__\w+)", _MACROS))
_DATABASE = "google"
_CALL = re.compile(r"(?<![\w.])(google__\w+)\(", re.IGNORECASE)


def patch() -> None:
    """Know the functions in every DuckDB, and call them in every statement."""
    translate = SQLTranslator.translate
    register, execute = DuckDBEngine._register_builtin_udfs, DuckDBEngine.execute

    def with_functions(self: SQLTranslator, bq_sql: str, **named: Any) -> Any:
        found = translate(self, rewrite(numbered(bq_sql)), **named)
        return Ok(casts.precise(found.value)) if isinstance(found, Ok) else found

    def registered(engine: DuckDBEngine) -> None:
        register(engine)
        for room in _ROOMS:
            getattr(room, "register", lambda _: None)(engine.connection)
        engine.connection.execute(f"ATTACH ':memory:' AS {_DATABASE}")
        engine.connection.execute(qualified(_MACROS))

    def executed(engine: DuckDBEngine, sql: str, parameters: Any = None) -> Any:
        return execute(engine, qualified(sql), parameters)

    SQLTranslator.translate = with_functions
    # Else sqlglot qualifies the statement itself, by bare names, only to learn what AVG is over.
    inner_query.build_catalog_schema = lambda *_, **__: {}
    # An offset begins at 0 already: tables/unnests.py.
    inner_query.rewrite_unnest_offset = lambda sql: sql
    DuckDBEngine._register_builtin_udfs = registered
    DuckDBEngine.execute = executed


def qualified(sql: str) -> str:
    """Say where the macros lie; functions in Python lie everywhere."""
    return _CALL.sub(_qualified, sql)


def _qualified(call: re.Match[str]) -> str:
    name = call[1].lower()
    if name == unnests.FIELDS:
        return "unnest("
    return f"{_DATABASE}.main.{name}(" if name in _NAMES else call[0]


def rewrite(sql: str) -> str:
    """Give the statement with its calls replaced; as it was where it has none, or can't be read."""
    try:
        [statement] = sqlglot.parse(sql, read="bigquery")
    except (SqlglotError, ValueError):
        return sql
    if statement is None or isinstance(statement, exp.Command):
        return sql
    # These look at what was written.
    changed = aliases.rewritten(statement) | pivots.rewritten(statement) | unnests.rewritten(statement)
    changed |= literals.typed(statement) | arrays.compared(statement)
    changed |= signatures.check(statement) | arguments.check(statement)
    changed |= floats.order(statement)
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
