"""Patch: a script's variable has its declared type, whatever it is given.

bqemulator 1.4.0 keeps what the value has been, so that a DATE that was written as text stays a STRING.
Source: https://cloud.google.com/bigquery/docs/reference/standard-sql/procedural-language#declare
"""

from __future__ import annotations

import contextlib
from typing import Any

from bqemulator.scripting import interpreter
from sqlglot import exp
from sqlglot.errors import SqlglotError

_UNTYPED = ("", "ANY", "STRUCT")


def patch() -> None:
    """Convert what a variable is given, and say its type where it is used."""
    declare, assign = interpreter.ScriptInterpreter._exec_declare, interpreter.ScriptInterpreter._exec_set
    placeholder = interpreter._build_scalar_placeholder

    async def declared(self: Any, statement: Any) -> None:
        given = statement.default_expr
        if given is not None:
            object.__setattr__(statement, "default_expr", _typed(given, statement.type_name))
        await declare(self, statement)

    async def assigned(self: Any, statement: Any) -> None:
        variable = self._frames.all_visible().get(statement.targets[0])
        if len(statement.targets) == 1 and variable is not None:
            object.__setattr__(statement, "source_expr", _typed(statement.source_expr, variable.type_name))
        await assign(self, statement)

    def typed(value: Any, type_name: str | None, params: list[Any]) -> exp.Expression:
        found = placeholder(value, type_name, params)
        kind = _kind(type_name or "")
        return found if kind is None or isinstance(found, exp.Cast) else exp.Cast(this=found, to=kind)

    interpreter.ScriptInterpreter._exec_declare = declared
    interpreter.ScriptInterpreter._exec_set = assigned
    interpreter._build_scalar_placeholder = typed


def _typed(expression: str, type_name: str) -> str:
    return expression if _kind(type_name) is None else f"CAST(({expression}) AS {type_name})"


def _kind(type_name: str) -> exp.DataType | None:
    """Give a plain type; of others nothing is known."""
    with contextlib.suppress(SqlglotError, ValueError):
        kind = (
            exp.DataType.build(type_name, dialect="bigquery") if type_name.upper() not in _UNTYPED else None
        )
        return kind if kind is not None and not kind.is_type("STRUCT", "ARRAY") else None
    return None
