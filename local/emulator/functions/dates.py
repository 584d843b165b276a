"""Weeks that begin on any day, whole units between two times, parts of a second, buckets."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from local.emulator.functions import casts, numerics
from local.emulator.functions.macros import call, first_day, macro, unit_name, unit_of

_BACK = "((dayofweek(x) - d + 7) % 7)"  # days since the week began
_ORIGIN = "1950-01-01"  # of buckets: a Sunday


def macros() -> list[str]:
    """Write the macros."""
    day = f"date_trunc('day', x) - to_days(CAST({_BACK} AS INTEGER))"
    found = [
        macro(
            "google__week",
            {
                "x DATE, d INTEGER": f"x - CAST({_BACK} AS INTEGER)",
                "x TIMESTAMP, d INTEGER": day,
                "x TIMESTAMPTZ, d INTEGER": day,
            },
        ),
        macro(
            "google__weeks_between",
            {"a, b, d": "(google__week(CAST(a AS DATE), d) - google__week(CAST(b AS DATE), d)) // 7"},
        ),
        macro("google__week_number", {"x, d": f"(dayofyear(x) + 6 - {_BACK}) // 7"}),
        # bqemulator takes each `strptime` in a statement for a TIMESTAMP's.
        macro("google__parse_datetime", {"x, format": "strptime(x, format)"}),
    ]
    found += _differences()
    found += [macro("google__moved", {"x, i": "cast_to_type(x + i, x)"})]
    found += [macro("google__cut", {"x, unit": "cast_to_type(date_trunc(unit, x), x)"})]
    times = {f"x {kind}, unit": "date_trunc(unit, x)" for kind in ("TIMESTAMP", "TIMESTAMPTZ")}
    times["x DATE, unit"] = "date_trunc(unit, CAST(x AS TIMESTAMP))"
    found += [macro("google__cut_time", times)]
    for name, size in (("seconds", 1_000_000), ("millis", 1_000)):
        rest = f"((epoch_us(x) % {size} + {size}) % {size})"
        found.append(macro(f"google__unix_{name}", {"x": f"(epoch_us(x) - {rest}) // {size}"}))
    kinds = "('DATE[]', 'TIME[]', 'TIMESTAMP[]', 'TIMESTAMP WITH TIME ZONE[]')"
    written = f"CASE WHEN typeof([x]) IN {kinds} THEN google__string(x) ELSE otherwise END"
    found.append(macro("google__written", {"x, otherwise": written}))
    there, utc = "timezone(z, x)", "timezone('UTC', x)"
    minutes = f"((epoch({there}) - epoch({utc})) // 60)"
    hours, rest = (f"CAST(abs({minutes}) {operator} 60 AS BIGINT)" for operator in ("//", "%"))
    offset = (
        f"CASE WHEN {minutes} < 0 THEN '-' ELSE '+' END || lpad(CAST({hours} AS VARCHAR), 2, '0') || "
        f"CASE WHEN {rest} = 0 THEN '' ELSE ':' || lpad(CAST({rest} AS VARCHAR), 2, '0') END"
    )
    found.append(macro("google__in_zone", {"x, z": f"{casts.seconds(there)} || {offset}"}))
    for name, kind in (("date", "DATE"), ("datetime", "TIMESTAMP"), ("timestamp", "TIMESTAMPTZ")):
        body = f"time_bucket(width, x, CAST(o AS {kind}))"
        found.append(macro(f"google__{name}_bucket", {f"x {kind}, width, o": body}))
    months = "generate_series(0, abs(date_diff('month', CAST(a AS DATE), CAST(b AS DATE))) // abs(m))"
    day = "CAST(CAST(a AS DATE) + to_months(CAST(i * m AS INTEGER)) AS DATE)"
    until = "CASE WHEN m > 0 THEN d <= CAST(b AS DATE) ELSE d >= CAST(b AS DATE) END"
    dates = f"list_filter(list_transform({months}, lambda i: {day}), lambda d: {until})"
    found.append(macro("google__dates_by_month", {"a, b, m": dates}))
    return found


def _differences() -> list[str]:
    """Write what - is of two types: of dates it is an INTERVAL of days, of times one of hours.

    Source: https://cloud.google.com/bigquery/docs/reference/standard-sql/operators#datetime_subtraction
    """
    time = "to_microseconds(date_diff('microsecond', e.b, e.a))"
    kinds = (
        ("DATE", "DATE", "to_days(CAST(e.a - e.b AS INTEGER))"),
        ("DATE", "BIGINT", "e.a - CAST(e.b AS INTEGER)"),
        ("TIMESTAMP", "TIMESTAMP", time),
        ("TIMESTAMPTZ", "TIMESTAMPTZ", time),
    )
    otherwise = "e.a - e.b"
    found = []
    for number, (a, b, body) in enumerate(reversed(kinds)):
        # DuckDB can't choose among several types of a STRUCT: one at a time.
        name = f"google__minus_{number}"
        found.append(
            f"CREATE OR REPLACE MACRO {name}(e STRUCT(a {a}, b {b})) AS ({body}), (e) AS ({otherwise});"
        )
        otherwise = f"{name}(e)"
    pair = f"list_transform([{{'a': x, 'b': y}}], lambda e: {otherwise})[1]"
    return [*found, macro("google__minus", {"x, y": pair})]


def _minus(node: Any) -> exp.Expression | None:
    if any(_is_no_time(side) for side in (node.this, node.expression)):
        return numerics.floating(node)
    return call("google__minus", node.this, node.expression)


def _is_no_time(node: exp.Expr) -> bool:
    """Tell whether it can be seen that something is neither a DATE, a DATETIME nor a TIMESTAMP."""
    while isinstance(node, exp.Paren | exp.Neg):
        node = node.this
    return isinstance(
        node, exp.Literal | exp.Interval | exp.Null | exp.Count | exp.Mul | exp.Div | exp.Extract
    )


def _trunc(node: Any) -> exp.Expression | None:
    day = first_day(unit_of(node))
    zone = node.args.get("zone")
    if day is None:
        # The engine makes a DATETIME of a DATE, sqlglot one of a TIMESTAMP; each stays what it is.
        name = {exp.DateTrunc: "google__cut", exp.DatetimeTrunc: "google__cut_time"}.get(type(node))
        if name is None or zone is not None or isinstance(node.this, exp.Null):
            return None
        return call(name, node.this, unit_of(node).lower())
    if zone is None:
        return call("google__week", node.this, day)
    return call("timezone", zone, call("google__week", call("timezone", zone, node.this), day))


def _diff(node: Any) -> exp.Expression | None:
    unit = unit_of(node)
    day = first_day(unit)
    if day is not None:
        return call("google__weeks_between", node.this, node.expression, day)
    if isinstance(node, exp.TimestampDiff):
        return call("datesub", unit.lower(), node.expression, node.this)
    return None


def _last_day(node: Any) -> exp.Expression | None:
    day = first_day(unit_of(node))
    if day is None:
        return None
    date = exp.cast(node.this.copy(), "date")
    return exp.Paren(this=exp.Add(this=call("google__week", date, day), expression=exp.Literal.number(6)))


def _extract(node: Any) -> exp.Expression | None:
    unit = unit_name(node.this)
    if unit == "TIME":
        return exp.cast(node.expression.copy(), "TIME", dialect="bigquery")
    if unit.startswith("WEEK"):
        return call("google__week_number", node.expression, first_day(unit) or 0)
    if unit in ("MILLISECOND", "MICROSECOND") and not isinstance(node.parent, exp.Mod):
        whole = 1_000 if unit == "MILLISECOND" else 1_000_000
        return exp.Mod(this=node.copy(), expression=exp.Literal.number(whole))
    return None


def _now(node: Any) -> exp.Expression:
    zone = node.this if node.this is not None else exp.Literal.string("UTC")
    return call("timezone", zone, call("now"))


def _current(_: Any) -> exp.Expression:
    """DuckDB takes CURRENT_TIMESTAMP for a column where one has this name."""
    return call("now")


def _in_zone(node: Any) -> exp.Expression | None:
    zone = node.args.get("zone")
    if zone is None:
        return call("google__written", node.this, node)
    return call("google__in_zone", node.this, zone)


def _moved(node: Any) -> exp.Expression | None:
    """DATE_ADD of a DATETIME or TIMESTAMP is one, too."""
    if node.this.is_string or not isinstance(node.args.get("unit"), exp.Var):
        return None
    count = node.expression.copy()
    if isinstance(node, exp.DateSub):
        count = exp.Neg(this=exp.Paren(this=_number(count)))
    return call("google__moved", node.this, exp.Interval(this=count, unit=node.args["unit"].copy()))


def _number(count: Any) -> exp.Expression:
    whole: exp.Expression = exp.Literal.number(count.name) if count.is_string else count
    return whole


def _unix(name: str) -> Any:
    return lambda node: call(f"google__unix_{name}", node.this)


def _parsed(node: Any) -> exp.Expression | None:
    form = node.args.get("format")
    if form is not None and form.is_string:
        # The engine writes no %e, and reads its day with %d.
        form = exp.Literal.string(form.name.replace("%e", "%d"))
    return None if form is None else call("google__parse_datetime", node.this, form)


def bucket(node: exp.Anonymous) -> exp.Expression | None:
    """DATE_BUCKET and its like, as long as they begin where BigQuery says."""
    if len(node.expressions) not in (2, 3):
        return None
    origin = [] if len(node.expressions) == 3 else [_ORIGIN]
    return call(f"google__{node.name.lower()}", *node.expressions, *origin)


_MONTHS = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}


def _days(node: Any) -> exp.Expression | None:
    """Each month from the first day on: DuckDB adds one to the day before."""
    step = node.args.get("step")
    months = _MONTHS.get(unit_of(step)) if isinstance(step, exp.Interval) else None
    if months is None:
        return None
    count = exp.Mul(this=exp.Paren(this=_number(step.this)), expression=exp.Literal.number(months))
    return call("google__dates_by_month", node.args["start"], node.args["end"], count)


def _justified(node: Any) -> exp.Expression:
    return exp.JustifyDays(this=exp.JustifyHours(this=node.this.copy()))


RULES = {
    exp.GenerateDateArray: _days,
    exp.JustifyInterval: _justified,
    exp.DateTrunc: _trunc,
    exp.DatetimeTrunc: _trunc,
    exp.TimestampTrunc: _trunc,
    exp.DateDiff: _diff,
    exp.DatetimeDiff: _diff,
    exp.TimestampDiff: _diff,
    exp.LastDay: _last_day,
    exp.Extract: _extract,
    exp.CurrentDatetime: _now,
    exp.CurrentTimestamp: _current,
    exp.ParseDatetime: _parsed,
    exp.String: _in_zone,
    exp.DateAdd: _moved,
    exp.DateSub: _moved,
    exp.UnixMillis: _unix("millis"),
    exp.UnixSeconds: _unix("seconds"),
    exp.Sub: _minus,
}
