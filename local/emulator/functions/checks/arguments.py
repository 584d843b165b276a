"""Arguments that BigQuery refuses: a date part that a type has not, a type that a function does not take.

DuckDB gives some answer to each. Checked as in signatures.py.
Sources: https://cloud.google.com/bigquery/docs/reference/standard-sql/timestamp_functions and its neighbours
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from bqemulator.domain.errors import InvalidQueryError, UnsupportedFeatureError
from sqlglot import exp

from local.emulator.functions.checks.signatures import KNOWN, probe_of, put_around, where
from local.emulator.functions.macros import call, macro, unit_name, unit_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_OF_PARTS: dict[type[exp.Expr], str] = {
    exp.DateAdd: "DATE_ADD",
    exp.DateDiff: "DATE_DIFF",
    exp.DateSub: "DATE_SUB",
    exp.DateTrunc: "DATE_TRUNC",
    exp.DatetimeAdd: "DATETIME_ADD",
    exp.DatetimeDiff: "DATETIME_DIFF",
    exp.DatetimeSub: "DATETIME_SUB",
    exp.Extract: "EXTRACT",
    exp.TimeAdd: "TIME_ADD",
    exp.TimeDiff: "TIME_DIFF",
    exp.TimeSub: "TIME_SUB",
    exp.TimeTrunc: "TIME_TRUNC",
    exp.TimestampAdd: "TIMESTAMP_ADD",
    exp.TimestampDiff: "TIMESTAMP_DIFF",
    exp.TimestampSub: "TIMESTAMP_SUB",
    exp.Add: "+",
    exp.Sub: "-",
}
_BELOW_A_DAY = ("HOUR", "MINUTE", "SECOND", "MILLISECOND", "MICROSECOND")
# Functions that count in what has no fixed length, which a TIMESTAMP has not.
_COUNTING = ("ADD", "SUB", "DIFF", "+", "-")
_ONE_GROUP = "Regular expressions passed into extraction functions must not have more than 1 capturing group"
_LAX = re.compile(r"\s*(?:lax|recursive)\b", re.IGNORECASE)
_UNFRAMED: dict[type[exp.Expr], str] = {
    exp.CumeDist: "cume_dist",
    exp.DenseRank: "dense_rank",
    exp.Lag: "lag",
    exp.Lead: "lead",
    exp.Ntile: "ntile",
    exp.PercentRank: "percent_rank",
    exp.PercentileCont: "percentile_cont",
    exp.PercentileDisc: "percentile_disc",
    exp.Rank: "rank",
    exp.RowNumber: "row_number",
}
_PERCENTILES = (exp.PercentileCont, exp.PercentileDisc)
_OF_TEXT: dict[type[exp.Expr], str] = {exp.GroupConcat: "STRING_AGG", exp.Length: "LENGTH"}
_OF_NUMBERS: dict[type[exp.Expr], str] = {exp.Avg: "AVG", exp.Sum: "SUM"}


def macros() -> list[str]:
    """Write the macros."""
    words = "'no part ' || part || ' of ' || name || ' of ' || p[1]"
    has_part = where("[typeof([px])]", "p[1] <> refused", words)
    one_of = f"google__family(p[1]) IN (first, second) OR google__family(p[1]) NOT IN {KNOWN}"
    takes = where("[typeof([px])]", one_of, "'no argument ' || name || ' of ' || p[1]")
    plain = where("[typeof([px])]", "p[1] NOT LIKE '%[][]'", "'no array ' || name || ' of ' || p[1]")
    return [
        macro("google__date_part", {"x, px, part, name, refused": f"CASE WHEN {has_part} THEN x END"}),
        macro("google__takes", {"x, px, name, first, second": f"CASE WHEN {takes} THEN x END"}),
        macro("google__no_array", {"x, px, name": f"CASE WHEN {plain} THEN x END"}),
    ]


def check(statement: exp.Expr) -> bool:
    """Put the checks into a statement; tells whether there are any. Raises what can be seen at once."""
    found = False
    for node in list(statement.walk()):
        _require(node)
        for operand, probe, check_of in _checks(node):
            put_around(operand, [call(check_of[0], probe, *check_of[1:])])
            found = True
    return found


def _checks(node: Any) -> Iterator[tuple[exp.Expr, exp.Expression, tuple[str, ...]]]:
    kind = type(node)
    operand = node.expression if kind is exp.Extract else node.this
    if kind in _OF_PARTS:
        part = _part(node)
        refused = _without(part, _OF_PARTS[kind])
        if refused:
            yield from _with_probe(operand, ("google__date_part", part, _OF_PARTS[kind], refused))
    elif kind in _OF_TEXT:
        yield from _with_probe(operand, ("google__takes", _OF_TEXT[kind], "VARCHAR[]", "BLOB[]"))
    elif kind in _OF_NUMBERS:
        yield from _with_probe(operand, ("google__takes", _OF_NUMBERS[kind], "number", "INTERVAL[]"))
    elif kind is exp.ArrayToString and isinstance(operand, exp.Column | exp.Array):
        element = exp.Bracket(this=operand.copy(), expressions=[exp.Literal.number(0)], offset=0, safe=True)
        yield operand, element, ("google__takes", "ARRAY_TO_STRING", "VARCHAR[]", "BLOB[]")
    elif kind is exp.ArrayAgg:
        yield from _with_probe(operand, ("google__no_array", "ARRAY_AGG"))


def _with_probe(
    operand: exp.Expr, check_of: tuple[str, ...]
) -> Iterator[tuple[exp.Expr, exp.Expression, tuple[str, ...]]]:
    # DISTINCT and ORDER BY have to be over the same, as it is written.
    plain = not isinstance(operand, exp.Distinct | exp.HavingMax | exp.Limit | exp.Order)
    probe = probe_of(operand) if plain else None
    if probe is not None:
        yield operand, probe, check_of


def _part(node: Any) -> str:
    if isinstance(node, exp.Extract):
        return unit_name(node.this)
    if isinstance(node, exp.Add | exp.Sub):
        interval = node.expression
        return unit_of(interval) if isinstance(interval, exp.Interval) else ""
    return unit_of(node)


def _without(part: str, name: str) -> str:
    """Give the type, as of a list, that has not this part."""
    if part in _BELOW_A_DAY:
        return "" if name in ("+", "-") else "DATE[]"
    if part and part != "DAY" and name.rpartition("_")[2] in _COUNTING:
        return "TIMESTAMP WITH TIME ZONE[]"
    return ""


def _require(node: Any) -> None:
    """Raise where it can be seen that BigQuery refuses an argument, or that it can't be done here."""
    unable = _unable(node)
    if unable:
        raise UnsupportedFeatureError(f"the local BigQuery can't do {unable}; Google can")
    mistake = _mistake(node)
    if mistake:
        raise InvalidQueryError(mistake, location="query")


def _unable(node: Any) -> str:
    if isinstance(node, exp.ApproxTopSum | exp.Typeof):
        return "TYPEOF" if isinstance(node, exp.Typeof) else "APPROX_TOP_SUM"
    if isinstance(node, exp.JSONExtract) and _LAX.match(node.expression.name):
        return "JSON_QUERY of a lax path"
    percentile = isinstance(node, exp.RespectNulls) and isinstance(node.this, _PERCENTILES)
    return "a percentile with RESPECT NULLS" if percentile else ""


def _mistake(node: Any) -> str:
    if isinstance(node, exp.Interval | exp.DateAdd | exp.DateSub | exp.TimestampAdd | exp.TimestampSub):
        count = node.this if isinstance(node, exp.Interval) else node.expression
        if isinstance(count, exp.Literal) and re.fullmatch(r"\d+\.\d+", count.name):
            return "Interval value must be coercible to INT64 type"
    elif isinstance(node, exp.RegexpExtract | exp.RegexpExtractAll | exp.RegexpInstr):
        pattern = node.expression
        if isinstance(pattern, exp.Literal) and _groups(pattern.name) > 1:
            return _ONE_GROUP
    elif isinstance(node, exp.Array) and any(isinstance(one, exp.Array) for one in node.expressions):
        return "Cannot construct array with element type ARRAY because nested arrays are not supported"
    elif isinstance(node, exp.GenerateDateArray | exp.GenerateTimestampArray):
        step = node.args.get("step")
        if isinstance(step, exp.Interval) and step.this.name == "0":
            return "Sequence step cannot be 0."
    return _mistake_of_window(node) if isinstance(node, exp.Window) else ""


def _mistake_of_window(window: exp.Window) -> str:
    """Say that a window has a frame that its function takes no notice of, or an offset that is none."""
    function = window.this.this if isinstance(window.this, exp.IgnoreNulls) else window.this
    name = _UNFRAMED.get(type(function))
    if name is not None and window.args.get("spec") is not None:
        return f"Window framing clause is not allowed for analytic function {name}"
    offset = _number(function.args.get("offset"))
    if isinstance(function, exp.NthValue) and offset is not None and offset < 1:
        return "The N value for the NthValue function must be positive"
    if isinstance(function, exp.Lag | exp.Lead) and offset is not None and offset < 0:
        return f"The offset to the function {str(name).upper()} must not be negative"
    return ""


def _number(node: Any) -> int | None:
    """Give a whole number that is written out."""
    sign = -1 if isinstance(node, exp.Neg) else 1
    literal = node.this if isinstance(node, exp.Neg) else node
    return sign * int(literal.name) if isinstance(literal, exp.Literal) and literal.name.isdigit() else None


def _groups(pattern: str) -> int:
    """Count the groups of RE2's pattern; 0 where Python can't read it."""
    try:
        return re.compile(pattern).groups
    except re.error:
        return 0
