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
        if column.is_star or isinstance(column, exp.Alias | exp.Column | exp.Dot):
            continue
        column.replace(exp.alias_(column.copy(), f"f{number}_"))
        number += 1
