"""Patch: JavaScript functions have a connection of their own, and can be replaced and dropped.

DuckDB lets a connection remove only the functions that it has made itself, and `sessions.py` gives every job
a connection of its own. Making a function on one that is in use ends what is done there.
An aggregate function is given its rows in arrays, which a macro collects.
A function in SQL gives what it RETURNS; in 1.4.0 it gives what its body happens to be.
"""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager
from functools import lru_cache, partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from bqemulator.udf import sql_udf
from bqemulator.udf.js_udf import JavaScriptUDFRuntime
from bqemulator.udf.naming import qualified_routine_name
from bqemulator.udf.sql_udf import SQLUDFRuntime
from bqemulator.udf.types import render_duckdb_type

from local.emulator import sessions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import duckdb
    from bqemulator.catalog.models import RoutineMeta

# What the body of an aggregate begins with: local/google/sql/functions_made.py.
MARK = "/* an aggregate */"
_EXPORTED = re.compile(r"(?<![\w$.'\"`])export\s+(?:default\s+)?(?=(?:async|class|const|function|let|var)\b)")
# One job at a time uses the functions' connection.
_turn = threading.Lock()
# The type of the function in SQL that a job's thread makes.
_job = threading.local()


def patch() -> None:
    """Make and remove functions there."""
    JavaScriptUDFRuntime.materialize = _made(JavaScriptUDFRuntime.materialize)
    JavaScriptUDFRuntime.deregister = _removed(JavaScriptUDFRuntime.deregister)
    materialize, translate = SQLUDFRuntime.materialize, sql_udf._translate_body

    def typed(self: Any, routine: RoutineMeta, engine: Any) -> None:
        _job.returned = render_duckdb_type(routine.return_type) if routine.return_type else None
        materialize(self, routine, engine)

    def body(sql: str, translator: Any) -> str:
        found = str(translate(sql, translator))
        return found if _job.returned is None else f"CAST(({found}) AS {_job.returned})"

    sql_udf._translate_body = body
    SQLUDFRuntime.materialize = typed


@lru_cache(maxsize=1)
def _beside(first: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    return first.cursor()


@contextmanager
def _there(engine: Any) -> Iterator[SimpleNamespace]:
    """Give an engine as the methods here use it."""
    with _turn:
        connection = _beside(sessions.first_connection(engine))
        yield SimpleNamespace(
            connection=SimpleNamespace(
                create_function=partial(_create, connection),
                remove_function=connection.remove_function,
                type=connection.type,
            )
        )


def _create(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    work: Callable[..., Any],
    types: Any,
    *rest: Any,
    **how: Any,
) -> None:
    def without_arguments() -> Any:
        return work()

    # DuckDB counts the parameters of what it is given, and takes `*args` for one.
    connection.create_function(name, work if types else without_arguments, types, *rest, **how)


def _made(method: Callable[..., None]) -> Callable[..., None]:
    def on_own(self: Any, routine: RoutineMeta, engine: Any) -> None:
        rows = _of_rows(routine) if _is_aggregate(routine) else routine
        with _there(engine) as there:
            method(self, rows, there)
        if rows is routine:
            return
        names = [argument.name for argument in routine.arguments]
        lists = ", ".join(f"list({name})" for name in names)
        engine.execute(
            f'CREATE OR REPLACE MACRO "{qualified_routine_name(routine)}"({", ".join(names)}) AS '
            f'"{qualified_routine_name(rows)}"({lists})'
        )

    return on_own


def _removed(method: Callable[..., None]) -> Callable[..., None]:
    def on_own(self: Any, routine: RoutineMeta, engine: Any) -> None:
        if _is_aggregate(routine):
            engine.execute(f'DROP MACRO IF EXISTS "{qualified_routine_name(routine)}"')
            routine = _of_rows(routine)
        with _there(engine) as there:
            method(self, routine, there)

    return on_own


def _is_aggregate(routine: RoutineMeta) -> bool:
    return (routine.definition_body or "").lstrip().startswith(MARK)


def _of_rows(routine: RoutineMeta) -> RoutineMeta:
    """Give the function that is called once for all rows, each argument being an array."""
    names = [argument.name for argument in routine.arguments]
    row = "".join(f", {name}[row_]" for name in names)
    body = (
        f"{_EXPORTED.sub('', routine.definition_body)}\n"
        f"const state_ = initialState();\n"
        f"for (let row_ = 0; row_ < ({names[0]} || []).length; row_++) aggregate(state_{row});\n"
        "return finalize(state_);"
    )
    arrays = tuple(
        argument.model_copy(
            update={"data_type": {"typeKind": "ARRAY", "arrayElementType": argument.data_type}}
        )
        for argument in routine.arguments
    )
    changed = {"routine_id": f"{routine.routine_id}__rows", "arguments": arrays, "definition_body": body}
    return routine.model_copy(update=changed)
