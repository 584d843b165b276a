"""RANGE: a bound that is not there is no NULL of an answer, and the first comes before the second.

Source: https://cloud.google.com/bigquery/docs/reference/standard-sql/range-functions
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlglot import exp

from local.emulator.functions.macros import call, macro

if TYPE_CHECKING:
    from collections.abc import Callable

_WRONG = "error('Range start element must be smaller than range end element')"
_THERE = "CASE WHEN r IS NOT NULL AND v IS NOT NULL THEN {} END"
_POINT = 'coalesce(v >= r."start", true) AND coalesce(v < r."end", true)'
_PART = (
    '(r."start" IS NULL OR coalesce(v."start" >= r."start", false)) '
    'AND (r."end" IS NULL OR coalesce(v."end" <= r."end", false))'
)
_MEET = 'coalesce(r."start" < v."end", true) AND coalesce(v."start" < r."end", true)'
_BOTH = """{'start': greatest(r."start", v."start"), 'end': least(r."end", v."end")}"""
_APART = (
    "error('Provided RANGE inputs do not overlap. "
    "Please check RANGE_OVERLAPS before calling RANGE_INTERSECT')"
)


def macros() -> list[str]:
    """Write the macros."""
    points = {f"v {kind}, r": _THERE.format(_POINT) for kind in ("DATE", "TIMESTAMP", "TIMESTAMPTZ")}
    return [
        macro("google__range", {"a, b": f"CASE WHEN a >= b THEN {_WRONG} ELSE {{'start': a, 'end': b}} END"}),
        macro("google__range_contains", points | {"v, r": _THERE.format(_PART)}),
        macro("google__range_overlaps", {"v, r": _THERE.format(_MEET)}),
        macro("google__range_intersect", {"v, r": f"CASE WHEN {_MEET} THEN {_BOTH} ELSE {_APART} END"}),
    ]


def _made(x: Any, y: Any) -> exp.Expression:
    # A bound that is not there has the type of the other.
    start, end = (
        exp.If(this=exp.false(), true=other.copy(), false=exp.null()) if isinstance(one, exp.Null) else one
        for one, other in ((x, y), (y, x))
    )
    return call("google__range", start, end)


_FUNCTIONS: dict[str, Callable[[Any, Any], exp.Expression]] = {
    "RANGE": _made,
    "RANGE_CONTAINS": lambda r, v: call("google__range_contains", v, r),
    "RANGE_INTERSECT": lambda r, v: call("google__range_intersect", v, r),
    "RANGE_OVERLAPS": lambda r, v: call("google__range_overlaps", v, r),
}


def of_name(node: exp.Anonymous) -> exp.Expression | None:
    """Functions that sqlglot does not know."""
    function = _FUNCTIONS.get(node.name.upper())
    return function(*node.expressions) if function is not None and len(node.expressions) == 2 else None
