"""COUNTIF; CORR; ARRAY_AGG(… IGNORE NULLS), with DISTINCT, ORDER BY, LIMIT."""

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


def correlated(node: Any) -> exp.Expression | None:
    """Of one pair there is none; over a window, too."""
    window = node if isinstance(node, exp.Window) else None
    if window is None and isinstance(node.parent, exp.Window):
        return None
    corr = node if window is None else window.this
    pairs: exp.Expression = call("regr_count", corr.this, corr.expression)
    if window is not None:
        counted = window.copy()
        counted.set("this", pairs)
        pairs = counted
    several = exp.GT(this=pairs, expression=exp.Literal.number(1))
    return exp.If(this=several, true=node.copy(), false=exp.null())


RULES = {exp.Corr: correlated, exp.CountIf: _counted, exp.IgnoreNulls: _ignore_nulls}
