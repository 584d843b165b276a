"""Columns without a name are f0_, f1_ … in BigQuery's answer, and no two have the same."""

from __future__ import annotations

from collections import Counter

from sqlglot import exp

from local.google import errors


def name_all(query: exp.Query) -> None:
    """Name the columns of a query's rows that have no name."""
    first = _first(query)
    if first is None:
        return
    number = 0
    for column in list(first.expressions):
        if not _is_named(column):
            column.replace(exp.alias_(column.copy(), f"f{number}_"))
            number += 1
    name_fields(query)


def name_fields(query: exp.Expr | None) -> None:
    """Name the columns that are fields of something: the engine names some of them in its own way."""
    first = _first(query) if query is not None else None
    for column in list(first.expressions) if first is not None else ():
        if isinstance(column, exp.Dot) and isinstance(column.expression, exp.Identifier):
            column.replace(exp.alias_(column.copy(), column.expression.name, quoted=True))


def require_names(statement: exp.Create) -> None:
    """Raise BigQuery's 400 where a column of a table or view would have no name."""
    first = None if isinstance(statement.this, exp.Schema) else _first(statement.expression)
    for position, column in enumerate(first.expressions if first is not None else (), start=1):
        if not _is_named(column):
            kind = str(statement.args["kind"]).upper()
            raise errors.invalid_query(
                f"CREATE {kind} columns must be named, but column {position} has no name"
            )


def _is_named(column: exp.Expr) -> bool:
    # `d.f(x)` is a function of the dataset d, `a.b` a field.
    field = isinstance(column, exp.Dot) and not isinstance(column.expression, exp.Func)
    return bool(column.is_star) or field or isinstance(column, exp.Alias | exp.Column)


def require_distinct(query: exp.Query) -> None:
    """Raise BigQuery's 400 where two columns of a query's rows have one name; what `*` gives is not known."""
    columns = first.expressions if (first := _first(query)) else []
    named = (
        column for column in columns if isinstance(column, exp.Alias | exp.Column) and not column.is_star
    )
    names = Counter(column.alias_or_name.lower() for column in named)
    twice = ", ".join(name for name, times in names.items() if times > 1)
    if twice:
        raise errors.invalid_query(
            f"Duplicate column names in the result are not supported. Found duplicate(s): {twice}"
        )


def _first(query: exp.Expr) -> exp.Select | None:
    """Give the SELECT that names the columns; None where its rows are structs, or for something else."""
    while isinstance(query, exp.SetOperation | exp.Subquery):
        query = query.this
    return query if isinstance(query, exp.Select) and not query.args.get("kind") else None
