"""COUNTIF; ARRAY_AGG(… IGNORE NULLS), with DISTINCT, ORDER BY, LIMIT."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from local.emulator.functions.macros import call


def _ignore_nulls(node: Any) -> exp.Expression | None:
    aggregate = node.this
    if not isinstance(aggregate, exp.ArrayAgg) or isinstance(node.parent, exp.Window):
        return None
    aggregate = aggregate.copy()
    limit = aggregate.this if isinstance(aggregate.this, exp.Limit) else None
    if limit is not None:
        aggregate.set("this", limit.this)
    operand = aggregate.this.this if isinstance(aggregate.this, exp.Order) else aggregate.this
    if isinstance(operand, exp.Distinct):
        [operand] = operand.expressions
    there = exp.Where(this=exp.Not(this=exp.Is(this=operand.copy(), expression=exp.Null())))
    found: exp.Expression = exp.Filter(this=aggregate, expression=there)
    if limit is not None:
        found = call("list_slice", found, 1, limit.expression)
    # Of nothing but NULL, too, there is no array.
    return found


def _counted(node: Any) -> exp.Expression | None:
    """Over a window, too."""
    if isinstance(node.this, exp.Distinct):
        return None
    one = exp.If(this=node.this.copy(), true=exp.Literal.number(1), false=exp.null())
    return exp.Count(this=one, big_int=True)


RULES = {exp.CountIf: _counted, exp.IgnoreNulls: _ignore_nulls}
