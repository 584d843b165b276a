"""A STRING literal where a function wants a date or a time is one; a zone may be an offset from UTC.

DuckDB takes such a text for what it is, or for a time without a zone, and knows no offset as a zone's name.
Source: https://cloud.google.com/bigquery/docs/reference/standard-sql/conversion_rules#literal_coercion
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from bqemulator.domain.errors import UnsupportedFeatureError
from sqlglot import exp

from local.emulator.functions.macros import call, macro

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_TYPES: dict[type[exp.Expr], str] = {
    exp.DateTrunc: "DATE",
    exp.DatetimeAdd: "DATETIME",
    exp.DatetimeSub: "DATETIME",
    exp.DatetimeTrunc: "DATETIME",
    exp.LastDay: "DATE",
    exp.TimeAdd: "TIME",
    exp.TimeSub: "TIME",
    exp.TimestampAdd: "TIMESTAMP",
    exp.TimestampDiff: "TIMESTAMP",
    exp.TimestampSub: "TIMESTAMP",
    exp.TimestampTrunc: "TIMESTAMP",
    exp.UnixMicros: "TIMESTAMP",
    exp.UnixMillis: "TIMESTAMP",
    exp.UnixSeconds: "TIMESTAMP",
}
_OFFSET = re.compile(r"([+-])(\d{1,2})(:\d{2})?")


def macros() -> list[str]:
    """Write the macro: a TIMESTAMP is the DATETIME some minutes from UTC, and the other way round."""
    moved = {
        "x TIMESTAMPTZ, m": "timezone('UTC', x) + to_minutes(m)",
        "x TIMESTAMP, m": "timezone('UTC', x - to_minutes(m))",
    }
    return [macro("google__moved_by", moved)]


def typed(statement: exp.Expr) -> bool:
    """Write types and zones out; tells whether there are any."""
    found = False
    # Inner ones first: what replaces an outer one holds copies of them.
    for node in reversed(list(statement.walk())):
        for before, after in _written(node):
            before.replace(after)
            found = True
    return found


def _written(node: Any) -> Iterator[tuple[exp.Expr, exp.Expr]]:
    kind = type(node)
    if kind in _TYPES:
        # Of the others it is a count.
        places = ("this", "expression") if kind is exp.TimestampDiff else ("this",)
        for operand in (node.args.get(place) for place in places):
            if _is_text(operand):
                yield operand, exp.cast(operand.copy(), _TYPES[kind], dialect="bigquery")
    zone = node.args.get(_PLACES.get(kind, "zone"))
    offset = _OFFSET.fullmatch(zone.name) if _is_text(zone) else None
    if offset is not None and kind in _ZONED:
        minutes = int(offset[2]) * 60 + int((offset[3] or ":0")[1:])
        yield node, _ZONED[kind](node, -minutes if offset[1] == "-" else minutes)


def _to(kind: str) -> Callable[[Any, int], exp.Expression]:
    return lambda node, minutes: exp.cast(
        call("google__moved_by", node.this, minutes), kind, dialect="bigquery"
    )


def _now(kind: str) -> Callable[[Any, int], exp.Expression]:
    return lambda _, minutes: exp.cast(
        call("google__moved_by", call("now"), minutes), kind, dialect="bigquery"
    )


def _of(node: Any, minutes: int) -> exp.Expression:
    return call("google__moved_by", exp.cast(node.this.copy(), "DATETIME", dialect="bigquery"), minutes)


def _read(node: Any, minutes: int) -> exp.Expression:
    utc = node.copy()
    utc.set("zone", None)
    return call("google__moved_by", exp.cast(utc, "DATETIME", dialect="bigquery"), minutes)


def _cut(node: Any, minutes: int) -> exp.Expression:
    there = call("google__moved_by", node.this, minutes)
    return call("google__moved_by", exp.DatetimeTrunc(this=there, unit=node.args["unit"].copy()), minutes)


def _text(node: Any, minutes: int) -> exp.Expression:
    hours, rest = divmod(abs(minutes), 60)
    offset = f"{'-' if minutes < 0 else '+'}{hours:02}{f':{rest:02}' if rest else ''}"
    there = exp.cast(call("google__moved_by", node.this, minutes), "STRING", dialect="bigquery")
    return exp.DPipe(this=there, expression=exp.Literal.string(offset))


def _formatted(node: Any, minutes: int) -> exp.Expression:
    if re.search(r"%E?[zZs]", node.args["format"].name):
        raise UnsupportedFeatureError("the local BigQuery can't do %z of an offset; Google can")
    found: exp.Expression = node.copy()
    found.set("zone", None)
    found.set("this", exp.TsOrDsToDatetime(this=call("google__moved_by", node.this.this, minutes)))
    return found


_PLACES: dict[type[exp.Expr], str] = {
    exp.CurrentDate: "this",
    exp.CurrentDatetime: "this",
    exp.CurrentTime: "this",
    exp.Datetime: "expression",
}
_ZONED: dict[type[exp.Expr], Callable[[Any, int], exp.Expression]] = {
    exp.AtTimeZone: _to("DATETIME"),
    exp.CurrentDate: _now("DATE"),
    exp.CurrentDatetime: _now("DATETIME"),
    exp.CurrentTime: _now("TIME"),
    exp.Date: _to("DATE"),
    exp.Datetime: _to("DATETIME"),
    exp.StrToTime: _read,
    exp.String: _text,
    exp.Time: _to("TIME"),
    exp.TimeToStr: _formatted,
    exp.Timestamp: _of,
    exp.TimestampTrunc: _cut,
}


def _is_text(node: Any) -> bool:
    return isinstance(node, exp.Literal) and node.is_string
