"""Columns without a name are f0_, f1_ … in BigQuery's answer."""

from __future__ import annotations

from sqlglot import exp


def name_all(query: exp.Query) -> None:
    """Name the columns of a query's rows that have no name."""
    first = query
    while isinstance(first, exp.SetOperation | exp.Subquery):
        first = first.this
    if not isinstance(first, exp.Select) or first.args.get("kind"):
        return
    number = 0
    for column in list(first.expressions):
        # `d.f(x)` is a function of the dataset d, `a.b` a field.
        field = isinstance(column, exp.Dot) and not isinstance(column.expression, exp.Func)
        if column.is_star or field or isinstance(column, exp.Alias | exp.Column):
            continue
        column.replace(exp.alias_(column.copy(), f"f{number}_"))
        number += 1
