"""Elements of an array: one that is not there is an error, unless SAFE_ is before it.

Source: https://cloud.google.com/bigquery/docs/reference/standard-sql/operators#array_subscript_operator
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlglot import exp

from local.emulator.functions.macros import call, macro

if TYPE_CHECKING:
    from collections.abc import Callable


# Of JSON the first element is 0 in DuckDB too, and one that is not there is NULL.
_ITEM = (
    "CASE WHEN typeof(e) <> 'JSON' AND (i < 0 OR i >= len(e)) "
    "THEN error('Array index ' || i || ' is out of bounds') "
    "WHEN i >= 0 THEN e[i + CASE WHEN typeof(e) = 'JSON' THEN 0 ELSE 1 END] END"
)


_STRUCTS = (exp.Struct, exp.Tuple)
# Of a histogram; the most frequent first.
_TOP = (
    "list_transform(list_slice(list_reverse_sort(list_concat(list_transform(map_entries(counts), "
    "lambda e: {'count': CAST(e.value AS BIGINT), 'value': e.key}), "
    "CASE WHEN nulls > 0 THEN [{'count': nulls, 'value': NULL}] END)), 1, "
    "CASE WHEN n < 1 THEN error('The second argument to APPROX_TOP_COUNT function must be positive') "
    "ELSE n END), "
    "lambda e: {'value': e.value, 'count': e.count})"
)


def _end(name: str, place: int) -> str:
    empty = f"error('ARRAY_{name.upper()} cannot get the {name} element of an empty array')"
    return macro(f"google__array_{name}", {"a": f"CASE WHEN len(a) = 0 THEN {empty} ELSE a[{place}] END"})


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
            "google__safe_at",
            {"a, i, first": "CASE WHEN i >= first AND i < len(a) + first THEN a[i - first + 1] END"},
        ),
        _end("first", 1),
        _end("last", -1),
        macro("google__of_no_null", {"x, a": "CASE WHEN list_count(a) = len(a) THEN x END"}),
        macro("google__whole", {"x, there": "CASE WHEN there THEN x END"}),
        macro("google__top", {"counts, nulls, n": _TOP}),
        macro("google__item", {"x, i": f"list_transform([x], lambda e: {_ITEM})[1]"}),
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
    if len(node.expressions) != 1:
        return None
    if first is None:
        # An index of JSON or of an array; a name is of JSON.
        [index] = node.expressions
        return None if index.is_string else call("google__item", node.this, index)
    # sqlglot counts from 1 only where it can tell that the index is an INT64.
    name = "google__safe_at" if node.args.get("safe") else "google__at"
    return exp.Paren(this=call(name, node.this, node.expressions[0], int(first)))


def _concatenated(node: exp.ArrayConcat) -> exp.Expression | None:
    """Where one is NULL there is none; an array that is written out is not."""
    arrays = [one for one in (node.this, *node.expressions) if not isinstance(one, exp.Array)]
    if not arrays:
        return None
    there: Any = exp.and_(*(exp.Not(this=exp.Is(this=one.copy(), expression=exp.Null())) for one in arrays))
    return call("google__whole", node, there)


def compared(statement: exp.Expr) -> bool:
    """Compare structs that are written out field by field: NULL in one makes the answer NULL.

    DuckDB has NULL equal to itself there. Tells whether there are any.
    """
    found = False
    node: Any
    for node in list(statement.find_all(exp.EQ, exp.NEQ, exp.In)):
        together: exp.Expr | None
        if isinstance(node, exp.In):
            unnested = node.args.get("unnest")
            [array] = unnested.expressions if unnested is not None else [node]
            looked_for = array.expressions if isinstance(array, exp.Array | exp.In) else []
            pairs = [_equal(node.this, one) for one in looked_for] if node.args.get("query") is None else []
            together = exp.or_(*filter(None, pairs)) if pairs and all(pairs) else None
        else:
            together = _equal(node.this, node.expression)
        if together is not None:
            node.replace(exp.Paren(this=exp.not_(together) if isinstance(node, exp.NEQ) else together))
            found = True
    return found


def _equal(x: exp.Expr, y: exp.Expr) -> exp.Expression | None:
    x, y = x.unnest(), y.unnest()
    if not (isinstance(x, _STRUCTS) and isinstance(y, _STRUCTS) and len(x.expressions) == len(y.expressions)):
        return None
    fields = zip(map(_value, x.expressions), map(_value, y.expressions), strict=True)
    equal = (_equal(a, b) or exp.EQ(this=a.copy(), expression=b.copy()) for a, b in fields)
    return exp.Paren(this=exp.and_(*equal))


def _value(field: Any) -> exp.Expression:
    value: exp.Expression = field.expression if isinstance(field, exp.PropertyEQ) else field.unalias()
    return value


def values(elements: list[exp.Expression]) -> exp.Expression:
    """Give an array of these; sqlglot would write one that begins with a subquery as ARRAY(SELECT …)."""
    if elements and isinstance(elements[0], exp.Query):
        return call("list_value", *elements)
    return exp.Array(expressions=[one.copy() for one in elements])


def _written_out(node: exp.Array) -> exp.Expression | None:
    """Give each STRUCT the fields of the first; `[(SELECT 1), 2]` is not ARRAY(SELECT 1)."""
    first = node.expressions[0] if node.expressions else None
    if isinstance(first, exp.Subquery) and len(node.expressions) > 1:
        return values(node.expressions)
    if not isinstance(first, exp.Struct):
        return None
    names = [
        one.this if isinstance(one, exp.PropertyEQ) else one.args.get("alias") for one in first.expressions
    ]
    if not any(names):
        return None
    found: exp.Expression = node.copy()
    for element in found.expressions[1:]:
        if isinstance(element, exp.Struct | exp.Tuple) and len(element.expressions) == len(names):
            element.replace(exp.Struct(expressions=list(map(_named, names, element.expressions))))
    return found


def _named(name: exp.Expression | None, field: exp.Expression) -> exp.Expression:
    value = _value(field)
    return exp.PropertyEQ(this=name.copy(), expression=value) if name is not None else value


def _of_no_null(node: Any) -> exp.Expression:
    """Of an array that holds NULL there is NULL."""
    return call("google__of_no_null", node, node.this)


def _most_frequent(node: exp.ApproxTopK) -> exp.Expression:
    there = exp.If(this=node.this.copy().is_(exp.null()), true=exp.Literal.number(1), false=exp.null())
    nulls = exp.Count(this=there, big_int=True)
    return call("google__top", call("histogram", node.this), nulls, node.expression)


RULES: dict[type[exp.Expr], Callable[[Any], exp.Expression | None]] = {
    exp.Array: _written_out,
    exp.ArrayFirst: lambda node: call("google__array_first", node.this),
    exp.ArrayLast: lambda node: call("google__array_last", node.this),
    exp.Bracket: _element,
    exp.CodePointsToString: _of_no_null,
    exp.ArraySlice: _slice,
    exp.ArrayConcat: _concatenated,
    exp.ApproxTopK: _most_frequent,
}
