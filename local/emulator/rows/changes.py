"""Patch: INSERT, UPDATE, MERGE and ALTER are refused where BigQuery refuses what they would do.

DuckDB takes one of several source rows for a target row, and converts what a column does not take. What is
asked here runs before the statement, in its connection.
Source: https://cloud.google.com/bigquery/docs/reference/standard-sql/dml-syntax
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
import sqlglot
from bqemulator.domain.errors import InvalidQueryError
from bqemulator.storage.engine import DuckDBEngine
from sqlglot import exp
from sqlglot.errors import SqlglotError

from local.emulator.words import type_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Ask = Callable[[str], Any]

SEVERAL = "UPDATE/MERGE must match at most one source row for each target row"
_NO_ROOM = "which cannot be inserted into column {}, which has type {}"
_LONGEST = 100_000  # characters of a statement that is looked at
_NUMBERS = ("INT64", "NUMERIC", "BIGNUMERIC", "FLOAT64")
# What a column takes beside its own type.
_TAKES = {
    "DATETIME": ("DATE",),
    "NUMERIC": ("INT64", "FLOAT64", "BIGNUMERIC"),
    "BIGNUMERIC": ("INT64", "NUMERIC", "FLOAT64"),
    "FLOAT64": ("INT64", "NUMERIC", "BIGNUMERIC"),
}
_PLAIN = (*_NUMBERS, "STRING", "BYTES", "BOOL", "DATE", "DATETIME", "TIMESTAMP", "TIME")
_WIDER = {("INT64", to) for to in _NUMBERS[1:]} | {("NUMERIC", "BIGNUMERIC"), ("NUMERIC", "FLOAT64")}


def patch() -> None:
    """Look at what is to change something."""
    execute = DuckDBEngine.execute

    def executed(engine: DuckDBEngine, sql: str, parameters: Any = None) -> Any:
        look = _CHECKS.get(sql[:6].upper())
        if look is not None and not parameters and len(sql) < _LONGEST:
            for said in look(sql, lambda asked: execute(engine, asked).fetchall()):
                raise InvalidQueryError(said, location="query")
        return execute(engine, sql, parameters)

    DuckDBEngine.execute = executed


def _parsed(sql: str, kind: type[exp.Expr]) -> Any:
    try:
        statement = sqlglot.parse_one(sql, read="duckdb")
    except SqlglotError:
        return None
    return statement if isinstance(statement, kind) else None


def _several(sql: str, ask: Ask) -> Iterator[str]:
    """Tell whether a target row would be changed by several source rows."""
    if sql[:5].upper() == "MERGE":
        merge = _parsed(sql, exp.Merge)
        select = None if merge is None else _matches_of_merge(merge)
    else:
        update = _parsed(sql, exp.Update)
        select = None if update is None else _matches_of_update(update)
    if select is None:
        return
    try:
        found = ask(select.sql(dialect="duckdb"))
    except duckdb.Error:
        return  # the statement itself says what is wrong
    if found:
        yield SEVERAL


def _matches_of_merge(merge: exp.Merge) -> exp.Select | None:
    matched = [one for one in merge.args["whens"].expressions if one.args["matched"]]
    if not matched or isinstance(merge.args["on"], exp.Boolean):
        return None
    conditions = [one.args.get("condition") for one in matched]
    select = _target_rows(merge.this).join(merge.args["using"].copy(), on=merge.args["on"].copy())
    every = [condition.copy() for condition in conditions if condition is not None]
    return select.where(exp.or_(*every)) if len(every) == len(conditions) else select


def _matches_of_update(update: exp.Update) -> exp.Select | None:
    sources, where = update.args.get("from_"), update.args.get("where")
    if sources is None or where is None:
        return None
    return _target_rows(update.this).join(sources.this.copy(), join_type="CROSS").where(where.this.copy())


def _target_rows(target: exp.Expr) -> exp.Select:
    row = exp.column("rowid", table=target.alias_or_name, quoted=True)
    counted = exp.Select(expressions=[exp.Literal.number(1)]).from_(target.copy()).group_by(row)
    return counted.having("count(*) > 1").limit(1)


def _misfits(sql: str, ask: Ask) -> Iterator[str]:
    """Tell what an INSERT would convert."""
    insert = _parsed(sql, exp.Insert)
    if insert is None or insert.expression is None:
        return
    schema, rows = insert.this, insert.expression
    table = schema.this if isinstance(schema, exp.Schema) else schema
    try:
        columns = [(name, type_name(kind)) for name, kind, *_ in ask(f"DESCRIBE {table.sql('duckdb')}")]
        if isinstance(schema, exp.Schema):
            kinds = {name.lower(): kind for name, kind in columns}
            columns = [(one.name, kinds.get(one.name.lower(), "")) for one in schema.expressions]
        if isinstance(rows, exp.Values):
            yield from _misfits_of_values(rows, columns)
        elif isinstance(rows, exp.Query):
            given = insert.args.get("with_")
            text = f"{given.sql('duckdb')} {rows.sql('duckdb')}" if given else rows.sql("duckdb")
            yield from _misfits_of_query(rows, columns, ask(f"DESCRIBE {text}"))
    except duckdb.Error:
        return


def _misfits_of_values(values: exp.Values, columns: list[tuple[str, str]]) -> Iterator[str]:
    for row in values.expressions:
        for cell, (name, kind) in zip(getattr(row, "expressions", ()), columns, strict=False):
            given = _literal(cell)
            if given is not None and not _fits(given, kind, literal=True):
                yield f"Value has type {given} {_NO_ROOM.format(name, kind)}"


def _misfits_of_query(query: exp.Query, columns: list[tuple[str, str]], found: list[Any]) -> Iterator[str]:
    chosen = query.selects if len(query.selects) == len(found) else [None] * len(found)
    for position, (shown, column, (name, kind)) in enumerate(
        zip(found, chosen, columns, strict=False), start=1
    ):
        literal = column is not None and _literal(column.unalias()) is not None
        given = type_name(str(shown[1]))
        if not _fits(given, kind, literal):
            yield f"Query column {position} has type {given} {_NO_ROOM.format(name, kind)}"


def _literal(cell: exp.Expr) -> str | None:
    cell = cell.unnest()
    if isinstance(cell, exp.Neg):
        cell = cell.this
    if isinstance(cell, exp.Boolean):
        return "BOOL"
    if not isinstance(cell, exp.Literal):
        return None
    if cell.is_string:
        return "STRING"
    return "INT64" if cell.name.isdigit() else "FLOAT64"


def _fits(given: str, kind: str, literal: bool) -> bool:
    """Tell whether a column of a kind takes a value; of others than plain types nothing is told."""
    if given == kind or given not in _PLAIN or kind not in _PLAIN:
        return True
    if literal and given == "STRING" and kind in ("DATE", "DATETIME", "TIMESTAMP", "TIME"):
        return True
    return given in _TAKES.get(kind, ())


def _other_type(sql: str, ask: Ask) -> Iterator[str]:
    """Tell which column can't be given its new type."""
    alter = _parsed(sql, exp.Alter)
    for change in alter.find_all(exp.AlterColumn) if alter is not None else ():
        if change.args.get("dtype") is None:
            continue
        try:
            kinds = {name: type_name(kind) for name, kind, *_ in ask(f"DESCRIBE {alter.this.sql('duckdb')}")}
        except duckdb.Error:
            return
        old, new = kinds.get(change.name), type_name(change.args["dtype"].sql("duckdb"))
        if old in _PLAIN and new in _PLAIN and old != new and (old, new) not in _WIDER:
            yield (
                "ALTER TABLE ALTER COLUMN SET DATA TYPE requires that the existing column type "
                f"({old}) is assignable to the new type ({new})"
            )


_CHECKS: dict[str, Callable[[str, Ask], Iterator[str]]] = {
    "ALTER ": _other_type,
    "INSERT": _misfits,
    "MERGE ": _several,
    "UPDATE": _several,
}
