"""FORMAT, and formats of dates and times with elements that DuckDB does not know."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from local.emulator.functions.json_values.written import in_order
from local.emulator.functions.macros import MistakeError, call, macro

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb

# sqlglot writes %e as %-d.
_ELEMENT = re.compile(r"%(-d|E[zZ*#\d]?[SY]?|[a-zA-Z%])")
# All but the engine's own: elements that BigQuery has not are left as they are.
_OURS = re.compile(r"%(?:-d|E|[^aABbcdDFHIjmMpSTuUVwWxXyYzZ%-])")
_KNOWN = frozenset("AaBbCcDdeFGgHhIJjklMmnPpQRrSsTtUuVWwXxYyZz%")
_PRINTF = re.compile(
    r"%(?P<flags>[-+ #0']*)(?P<width>\d+)?(?:\.(?P<digits>\d+))?(?P<kind>[diuoxXfFeEgGsStTp%])"
)


_OWN_ZONE = re.compile(r"%(?:E?z|Z|s)")
_STARRED = re.compile(r"%[-+ #0']*(?:\d+\.)?\*")
_TIME = re.compile(r"(?P<time>\d\d:\d\d:\d\d)(?:\.(?P<fraction>\d+))?(?:\+00)?$")
_EXPECTED = "Invalid type for an argument of FORMAT; Expected {}"
_UNABLE = "the local BigQuery can't do {}; Google can"


def register(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the functions."""
    given = ["VARCHAR", "TIMESTAMP", "BIGINT"]
    connection.create_function("google__format_time", _format_time, given, "VARCHAR")
    connection.create_function("google__parse_seconds", _parse_seconds, ["VARCHAR"], "TIMESTAMPTZ")
    connection.create_function(
        "google__format",
        _format,
        ["VARCHAR", "VARCHAR", "VARCHAR[]"],
        "VARCHAR",
        null_handling="special",
    )


def macros() -> list[str]:
    """Write the macro."""
    return [macro("google__seconds_between", {"x, y": "date_diff('second', x, y)"})]


def _format_time(pattern: str, time: datetime, offset: int) -> str:
    """Write a time of a zone, which is some seconds from UTC."""
    return _ELEMENT.sub(lambda element: _element(element[1], time, offset), pattern)


def _element(element: str, time: datetime, offset: int) -> str:
    hours, minutes = divmod(abs(offset) // 60, 60)
    sign = "-" if offset < 0 else "+"
    year, week, _ = time.isocalendar()
    special = {
        "Q": str((time.month + 2) // 3),
        "e": f"{time.day:2d}",
        "-d": f"{time.day:2d}",
        "k": f"{time.hour:2d}",
        "l": f"{(time.hour + 11) % 12 + 1:2d}",
        "P": f"{time:%p}".lower(),
        "s": str(int(time.replace(tzinfo=UTC).timestamp()) - offset),
        "C": f"{time.year // 100:02d}",
        "G": str(year),
        "J": f"{(week - 1) * 7 + time.isoweekday():03d}",
        "Y": str(time.year),
        "n": "\n",
        "t": "\t",
        "%": "%",
        "E4Y": f"{time.year:04d}",
        "Ez": f"{sign}{hours:02d}:{minutes:02d}",
        "Z": f"UTC{sign}{hours}{f':{minutes:02d}' if minutes else ''}" if offset else "UTC",
        "z": f"{sign}{hours:02d}{minutes:02d}",
    }
    if element in special:
        return special[element]
    if element == "E*S":
        return f"{time:%S.%f}".rstrip("0").rstrip(".")
    if element[0] == "E" and element[1:2].isdigit():
        return f"{time:%S}.{time.microsecond:06d}"[: 3 + int(element[1])].rstrip(".")
    return time.strftime(f"%{element}") if element in _KNOWN else f"%{element}"


def _parse_seconds(text: str) -> datetime:
    return datetime.fromtimestamp(int(text), UTC)


def _format(pattern: str | None, values: str, types: list[str]) -> str | None:
    if pattern is None:
        return None
    if _STARRED.search(pattern):
        raise ValueError(_UNABLE.format("* in FORMAT"))
    given = iter(zip(json.loads(values, parse_float=Decimal), types, strict=True))
    missing = False

    def one(element: re.Match[str]) -> str:
        nonlocal missing
        if element["kind"] == "%":
            return "%"
        value, kind = next(given, (None, ""))
        if not kind:
            raise MistakeError(f'Too few arguments to FORMAT for pattern "{pattern}"')
        if value is None and element["kind"] not in "tT":
            missing = True
            return ""
        return _printed(element, value, kind)

    written = _PRINTF.sub(one, pattern)
    if next(given, None) is not None:
        raise MistakeError(f'Too many arguments to FORMAT for pattern "{pattern}"')
    return None if missing else written


def _printed(element: re.Match[str], value: Any, kind: str) -> str:
    flags, width = element["flags"], int(element["width"] or 0)
    letter = element["kind"]
    if letter in "tTsSp":
        if letter in "sS" and kind not in ("VARCHAR", "JSON"):
            raise MistakeError(_EXPECTED.format("string"))
        text = _literal(value, kind) if letter == "T" else _text(value, kind)
        text = text[: int(element["digits"])] if element["digits"] and letter == "s" else text
        return text.ljust(width) if "-" in flags else text.rjust(width)
    if letter in "diuoxX" and not kind.endswith("INT") and not kind.startswith("INT"):
        raise MistakeError(_EXPECTED.format("integer"))
    grouped = "'" in flags
    exact = kind.startswith("DECIMAL")
    number = (Decimal(value) if exact else float(value)) if letter in "fFeEgG" else int(value)
    sign = "+" if "+" in flags else " " if " " in flags else ""
    fill = "<" if "-" in flags else ""
    zero = "0" if "0" in flags and not fill else ""
    digits = f".{element['digits'] or 6}" if letter in "fFeEgG" else ""
    style = {"i": "d", "u": "d"}.get(letter, letter)
    alternate = "#" if "#" in flags else ""
    with localcontext(rounding=ROUND_HALF_UP):
        return format(
            number, f"{fill}{sign}{alternate}{zero}{width or ''}{',' if grouped else ''}{digits}{style}"
        )


def _text(value: Any, kind: str, written: Callable[[Any, str], str] | None = None) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, list) and kind != "JSON":
        return f"[{', '.join((written or _text)(one, kind.removesuffix('[]')) for one in value)}]"
    return _scalar(value, kind)


def _scalar(value: Any, kind: str) -> str:
    if kind == "JSON":
        return in_order(value)
    if isinstance(value, dict) or kind == "INTERVAL":
        raise TypeError(_UNABLE.format("FORMAT of a STRUCT or an INTERVAL"))
    if kind.startswith("TIME"):
        return _time(str(value), kind)
    if kind.startswith("DECIMAL"):
        return format(Decimal(value).normalize(), "f")
    if kind == "DOUBLE":
        return str(float(value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _time(value: str, kind: str) -> str:
    """Write a time with three or six digits of a second, as BigQuery does; DuckDB writes as few as it can."""
    found = _TIME.search(value)
    assert found is not None, value  # noqa: S101
    digits = found["fraction"] or ""
    fraction = f".{digits:0<{3 if len(digits) <= 3 else 6}}" if digits else ""
    zone = "+00" if kind == "TIMESTAMP WITH TIME ZONE" else ""
    return f"{value[: found.start()]}{found['time']}{fraction}{zone}"


def _literal(value: Any, kind: str) -> str:
    text = _text(value, kind, _literal)
    names = {"DATE": "DATE", "TIMESTAMP": "DATETIME", "TIMESTAMP WITH TIME ZONE": "TIMESTAMP", "TIME": "TIME"}
    if value is None or isinstance(value, list):
        return text
    if kind in names:
        return f'{names[kind]} "{text}"'
    if kind.startswith("DECIMAL"):
        return f'NUMERIC "{text}"'
    if text in ("nan", "inf", "-inf"):
        return f'CAST("{text}" AS FLOAT64)'
    written = json.dumps(text, ensure_ascii=False)
    return {"VARCHAR": written, "BLOB": f"b{written}", "JSON": f"JSON '{text}'"}.get(kind, text)


def _printf(node: Any) -> exp.Expression:
    types: exp.Expression = exp.Array(expressions=[call("typeof", value) for value in node.expressions])
    if not node.expressions:
        types = exp.cast(exp.Array(expressions=[]), "ARRAY<STRING>", dialect="bigquery")
    values = call("json_array", *node.expressions)
    return call("google__format", node.this, exp.cast(values, "STRING", dialect="bigquery"), types)


def _time_to_text(node: Any) -> exp.Expression | None:
    pattern = node.args.get("format")
    time, zone = node.this, node.args.get("zone")
    if pattern is None or not pattern.is_string:
        return None
    if not _OURS.search(pattern.name) and "%Z" not in pattern.name:
        return None
    offset: exp.Expression = exp.Literal.number(0)
    if zone is not None:
        utc, time = call("timezone", "UTC", time), call("timezone", zone, time)
        offset = call("google__seconds_between", utc, time)
    there = exp.cast(time.copy(), "DATETIME", dialect="bigquery")
    return call("google__format_time", pattern, there, offset)


def _text_to_time(node: Any) -> exp.Expression | None:
    pattern = node.args.get("format")
    if pattern is not None and pattern.is_string and pattern.name == "%s":
        return call("google__parse_seconds", node.this)
    zone = node.args.get("zone")
    if zone is None and pattern is not None and "%z" in pattern.name:
        # Its own zone counts, and then it is one.
        return (
            None
            if isinstance(node.parent, exp.Cast)
            else exp.cast(node.copy(), "TIMESTAMP", dialect="bigquery")
        )
    if zone is None or pattern is None or _OWN_ZONE.search(pattern.name):
        return None
    utc = node.copy()
    utc.set("zone", None)
    return call("timezone", zone, exp.cast(utc, "DATETIME", dialect="bigquery"))


RULES = {exp.Format: _printf, exp.TimeToStr: _time_to_text, exp.StrToTime: _text_to_time}
