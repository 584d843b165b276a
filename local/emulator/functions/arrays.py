"""Elements of an array: one that is not there is an error, unless SAFE_ is before it.

Source: https://cloud.google.com/bigquery/docs/reference/standard-sql/operators#array_subscript_operator
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlglot import exp

from local.emulator.functions.macros import call, macro

if TYPE_CHECKING:
    from collections.abc import Callable


def macros() -> list[str]:
    """Give the macros; ``first`` is the index of the first element."""
    outside = "i < first OR i >= len(a) + first"
    return [
        macro(
            "google__at",
            {
                "a, i, first": f"CASE WHEN {outside} THEN error('Array index ' || i || ' is out of bounds') "
                "ELSE a[i - first + 1] END"
            },
        ),
        macro(
            "google__slice",
            {
                "a, i, j": "list_slice(a, CASE WHEN i < 0 THEN i ELSE i + 1 END, "
                "CASE WHEN j < 0 THEN j ELSE j + 1 END)"
            },
        ),
    ]


def _slice(node: exp.ArraySlice) -> exp.Expression:
    """Both offsets begin at 0, and from the end at -1."""
    return call("google__slice", node.this, node.args["start"], node.args["end"])


def _element(node: exp.Bracket) -> exp.Expression | None:
    first = node.args.get("offset")
    if first is None or node.args.get("safe"):
        return None
    return exp.Paren(this=call("google__at", node.this, node.expressions[0], int(first)))


RULES: dict[type[exp.Expr], Callable[[Any], exp.Expression | None]] = {
    exp.Bracket: _element,
    exp.ArraySlice: _slice,
}
