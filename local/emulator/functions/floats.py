"""NaN: no comparison with it holds but !=, MIN and LEAST give it, and ORDER BY has it before all numbers.

DuckDB takes it for the largest number, and equal to itself. Each operand's type is a constant when a
statement is bound, so what is not a FLOAT64 is compared as before.
Source: https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types#floating_point_types
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlglot import exp

from local.emulator.functions.checks.signatures import is_assignment
from local.emulator.functions.macros import call, macro
from local.emulator.functions.tables import aliases

if TYPE_CHECKING:
    from collections.abc import Callable

_NAMES: dict[type[exp.Expr], str] = {
    exp.EQ: "equal",
    exp.NEQ: "unequal",
    exp.LT: "less",
    exp.LTE: "at_most",
    exp.GT: "greater",
    exp.GTE: "at_least",
}
# Which operand has to be a number that the engine would rank above the other.
_LARGER: dict[type[exp.Expr], str] = {exp.LT: "expression", exp.LTE: "expression"}
_NEVER = (exp.Literal, exp.Null, exp.Boolean, exp.Count, exp.RowNumber, exp.Rank, exp.DenseRank, exp.Tuple)


def macros() -> list[str]:
    """Write the macros."""
    nan = "CASE WHEN typeof([{0}]) = 'DOUBLE[]' THEN isnan(CAST({0} AS DOUBLE)) ELSE false END"
    x, y = nan.format("x"), nan.format("y")
    return [
        macro("google__no_nan", {"x": f"CASE WHEN {x} THEN NULL ELSE x END"}),
        macro("google__nan_first", {"x": f"NOT {x}"}),
        macro("google__equal", {"x, y": f"x = y AND NOT ({x} AND y IS NOT NULL)"}),
        macro("google__unequal", {"x, y": f"x <> y OR ({x} AND y IS NOT NULL)"}),
        macro("google__less", {"x, y": f"x < y AND NOT ({y} AND x IS NOT NULL)"}),
        macro("google__at_most", {"x, y": f"x <= y AND NOT ({y} AND x IS NOT NULL)"}),
        macro("google__greater", {"x, y": f"x > y AND NOT ({x} AND y IS NOT NULL)"}),
        macro("google__at_least", {"x, y": f"x >= y AND NOT ({x} AND y IS NOT NULL)"}),
        macro("google__smallest", {"x, y": f"CASE WHEN {y} THEN y ELSE x END"}),
    ]


def order(statement: exp.Expr) -> bool:
    """Let NaN come first in the ORDER BY of a SELECT; tells whether there is one."""
    found = False
    for clause in list(statement.find_all(exp.Order)):
        if not isinstance(clause.parent, exp.Select) or clause.parent.args.get("distinct"):
            continue
        keys: list[exp.Expr] = []
        for key in clause.expressions:
            meant = aliases.behind(key.this)
            if not _never_nan(meant) and not isinstance(meant, exp.Collate):
                first = key.copy()
                first.set("this", call("google__nan_first", meant))
                keys.append(first)
                found = True
            keys.append(key)
        clause.set("expressions", keys)
    return found


def _never_nan(node: exp.Expr) -> bool:
    """Tell whether it can be seen that something is no NaN."""
    while isinstance(node, exp.Paren | exp.Neg | exp.Window) or node.name in (
        "google__same",
        "google__same_text",
    ):
        node = node.expressions[0] if isinstance(node, exp.Anonymous) else node.this
    if isinstance(node, exp.Cast):
        return not node.to.is_type("DOUBLE", "FLOAT")
    return isinstance(node, _NEVER)


def _compared(node: Any) -> exp.Expression | None:
    x, y = node.this, node.expression
    if is_assignment(node) or isinstance(y, exp.Any | exp.All) or isinstance(x, exp.Tuple | exp.Struct):
        return None
    if isinstance(node, exp.EQ | exp.NEQ):
        if _never_nan(x) or _never_nan(y):
            return None
        larger = "this"
    else:
        larger = _LARGER.get(type(node), "this")
        if _never_nan(node.args[larger]):
            return None
    if any(isinstance(one, exp.Placeholder) for one in node.walk()):
        return None
    if not isinstance(node, exp.NEQ) and _is_filter(node):
        # NULL is as good as FALSE here, and a join still has its two sides.
        compared: exp.Expression = node.copy()
        compared.set(larger, call("google__no_nan", node.args[larger]))
        return compared
    return exp.Paren(this=call(f"google__{_NAMES[type(node)]}", x, y))


def _is_filter(node: exp.Expr) -> bool:
    """Tell whether rows pass where a condition is TRUE, and do not where it is FALSE or NULL."""
    parent = node.parent
    while isinstance(parent, exp.Paren | exp.And):
        node, parent = parent, parent.parent
    if isinstance(parent, exp.Join | exp.Merge):
        return node.arg_key == "on"
    return isinstance(parent, exp.Where | exp.Having | exp.Qualify) or (
        isinstance(parent, exp.When) and node.arg_key == "condition"
    )


def _least(node: Any) -> exp.Expression | None:
    if node.args.get("ignore_nulls"):
        return None
    greatest = exp.Greatest(this=node.this.copy(), expressions=[one.copy() for one in node.expressions])
    return call("google__smallest", node, greatest)


RULES: dict[type[exp.Expr], Callable[[Any], exp.Expression | None]] = {
    **dict.fromkeys(_NAMES, _compared),
    exp.Least: _least,
}
