"""CAST: to INT64 rounds halves away from zero, to STRING writes numbers and times as BigQuery does."""

from __future__ import annotations

import re
from typing import Any

from sqlglot import exp

from local.emulator.functions.macros import call, macro

_WHOLE = r"^\s*[+-]?([0-9]+|0[xX][0-9a-fA-F]+)\s*$"
_SHORT_ZONE = re.compile(r"([+-])(\d{1,2})(:\d{2})?$")


_TEXT = "CAST(x AS VARCHAR)"
_PLAIN = ("VARCHAR", "BIGINT", "HUGEINT", "BOOLEAN", "DATE")
_UTC = "timezone('UTC', x)"


def seconds(time: str) -> str:
    """Write a time to the second, and its fraction by three or six digits where it has one."""
    return f"strftime({time}, '%Y-%m-%d %H:%M:%S') || {fraction(time)}"


def fraction(time: str) -> str:
    """Write the fraction of a second by three or six digits, or none."""
    rest = f"microsecond({time}) % 1000000"
    return (
        f"CASE WHEN {rest} = 0 THEN '' WHEN {rest} % 1000 = 0 THEN format('.{{:03d}}', {rest} // 1000) "
        f"ELSE format('.{{:06d}}', {rest}) END"
    )


# As few digits as bring the same number back, 15 or 17 at a time.
_SHORT = "format('{:.15g}', x)"
_STRINGS = {f"x {kind}": _TEXT for kind in _PLAIN} | {
    "x DOUBLE": f"CASE WHEN x = 0 THEN '0' WHEN isnan(x) OR CAST({_SHORT} AS DOUBLE) = x THEN {_SHORT} "
    "ELSE format('{:.17g}', x) END",
    "x TIME": f"strftime(DATE '1970-01-01' + x, '%H:%M:%S') || {fraction('x')}",
    "x INTERVAL": "CAST(error('the local BigQuery can''t do CAST of an INTERVAL to STRING; Google can') "
    "AS VARCHAR)",
    "x DECIMAL(38, 9)": f"CASE WHEN contains({_TEXT}, '.') THEN rtrim(rtrim({_TEXT}, '0'), '.') "
    f"ELSE {_TEXT} END",
    "x BLOB": "decode(x)",
    "x TIMESTAMP": seconds("x"),
    "x TIMESTAMPTZ": f"{seconds(_UTC)} || '+00'",
}


# Casts that DuckDB does otherwise.
_MACROS = {
    exp.DataType.Type.BIGINT: "int64",
    exp.DataType.Type.BOOLEAN: "bool",
    exp.DataType.Type.TEXT: "string",
    exp.DataType.Type.DECIMAL: "numeric",
    exp.DataType.Type.BIGDECIMAL: "bignumeric",
}
_WITHOUT_DIGITS = frozenset(
    {"BOOL", "INT64", "STRING", "NUMERIC", "NUMERIC(38, 9)", "BIGNUMERIC", "BIGNUMERIC(38, 18)"}
)
_DIGITS = {
    exp.DataType.Type.DECIMAL: "NUMERIC(38, 9)",
    exp.DataType.Type.BIGDECIMAL: "BIGNUMERIC(38, 18)",
}


# Within ARRAY or STRUCT sqlglot drops the digits of a CAST; DuckDB would have 3 of them behind the point.
_BARE = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|\bDECIMAL(?: ?\(38, 5\))?(?! ?\()")


def precise(sql: str) -> str:
    """Give DuckDB's SQL with the digits of NUMERIC and BIGNUMERIC."""
    return _BARE.sub(_with_digits, sql) if "DECIMAL" in sql else sql


def _with_digits(found: re.Match[str]) -> str:
    if not found[0].startswith("DECIMAL"):
        return found[0]
    return "DECIMAL(38, 18)" if "5" in found[0] else "DECIMAL(38, 9)"


def macros() -> list[str]:
    """Write the macros."""
    bad = "CAST(error('Bad int64 value: ' || x) AS BIGINT)"
    return [
        _int64("google__int64", "CAST", bad),
        _int64("google__try_int64", "TRY_CAST", "NULL"),
        macro("google__string", _STRINGS),
        macro("google__try_string", _STRINGS | {"x BLOB": "TRY(decode(x))"}),
        # CONCAT's operands: all BYTES, or what can be a STRING.
        macro("google__part", _STRINGS | {"x BLOB": "x"}),
        *_limits(),
        _bool("google__bool", "CAST(error('Bad bool value: ' || x) AS BOOLEAN)"),
        _bool("google__try_bool", "NULL"),
        macro("google__numeric", {"x": "CAST(x AS DECIMAL(38, 9))"}),
        macro("google__try_numeric", {"x": "TRY_CAST(x AS DECIMAL(38, 9))"}),
        macro("google__bignumeric", {"x": "CAST(x AS DECIMAL(38, 18))"}),
        macro("google__try_bignumeric", {"x": "TRY_CAST(x AS DECIMAL(38, 18))"}),
    ]


def _limits() -> list[str]:
    """Write what the digits and lengths of a type stand for in a CAST: the gateway calls these."""
    found = []
    for kind, digits in (("numeric", 9), ("bignumeric", 18)):
        body = f"round(CAST({{}} AS DECIMAL(38, {digits})), s)"
        one = f"CAST({body.format('e')} AS DECIMAL(38, {digits}))"
        words = (
            f"'{kind} overflow: ' || e || ' has too many digits for {kind.upper()}(' || p || ', ' || s || ')'"
        )
        for tried, otherwise in (("", f"error({words})"), ("try_", "NULL")):
            checked = f"CASE WHEN abs({one}) >= power(10, p - s) THEN {otherwise} ELSE {one} END"
            found.append(
                macro(
                    f"google__{tried}fit_{kind}", {"x, p, s": f"list_transform([x], lambda e: {checked})[1]"}
                )
            )
    for kind, measured in (("string", "length"), ("bytes", "octet_length")):
        words = f"'{kind} is longer than {kind.upper()}(' || n || ')'"
        for tried, otherwise in (("", f"error({words})"), ("try_", "NULL")):
            checked = f"CASE WHEN {measured}(e) > n THEN {otherwise} ELSE e END"
            found.append(
                macro(f"google__{tried}fit_{kind}", {"x, n": f"list_transform([x], lambda e: {checked})[1]"})
            )
    return found


def _bool(name: str, otherwise: str) -> str:
    """Only two texts are a BOOL."""
    text = "CASE lower(x) WHEN 'true' THEN true WHEN 'false' THEN false ELSE " + otherwise + " END"
    bodies = {f"x {kind}": "CAST(x AS BOOLEAN)" for kind in ("BIGINT", "HUGEINT", "BOOLEAN")}
    return macro(name, bodies | {"x VARCHAR": f"CASE WHEN x IS NOT NULL THEN {text} END"})


def _int64(name: str, cast: str, otherwise: str) -> str:
    bodies = {f"x {kind}": f"{cast}(x AS BIGINT)" for kind in ("BIGINT", "HUGEINT", "BOOLEAN")}
    bodies |= {f"x {kind}": f"{cast}(round(x) AS BIGINT)" for kind in ("DOUBLE", "DECIMAL(38, 9)")}
    whole = f"regexp_full_match(x, '{_WHOLE}')"
    below = f"-{cast}(replace(lower(trim(x)), '-0x', '0x') AS BIGINT)"
    text = (
        f"CASE WHEN x LIKE '%-0x%' AND {whole} THEN {below} WHEN {whole} THEN {cast}(x AS BIGINT) "
        f"WHEN x IS NOT NULL THEN {otherwise} END"
    )
    return macro(name, bodies | {"x VARCHAR": text})


def _cast(node: Any) -> exp.Expression | None:
    to = node.to
    if node.args.get("format") is not None or isinstance(node.this, exp.Placeholder):
        return None
    if to.is_type("ARRAY") and isinstance(node.this, exp.Array):
        return _numbers(node)
    if to.is_type(exp.DataType.Type.TIMESTAMPTZ):
        return _timestamp(node) if node.this.is_string else None
    name = _MACROS.get(to.this)
    tried = "try_" if isinstance(node, exp.TryCast) else ""
    # NUMERIC(5, 2) and STRING(3) are others.
    if name is None or to.sql("bigquery") not in _WITHOUT_DIGITS:
        return None
    value = node.this
    if name in ("numeric", "bignumeric") and isinstance(value, exp.Literal):
        # As a FLOAT64 it would lose digits.
        value = exp.Literal.string(value.name)
    return call(f"google__{tried}{name}", value)


def _numbers(node: Any) -> exp.Expression | None:
    """Of an array of NUMERICs that is written out no digit is lost."""
    if not node.to.expressions or node.to.expressions[0].this not in _DIGITS:
        return None
    found: exp.Expression = node.copy()
    found.this.set(
        "expressions",
        [
            exp.Literal.string(one.name) if isinstance(one, exp.Literal) and not one.name.isdigit() else one
            for one in found.this.expressions
        ],
    )
    return found


def _timestamp(node: Any) -> exp.Expression | None:
    """Write a zone such as -0 out."""
    text = node.this.name if node.this.is_string else ""
    zone = _SHORT_ZONE.search(text)
    if zone is None or " " not in text.replace("T", " ") or len(zone[2]) == 2:
        return None
    written: exp.Expression = node.copy()
    written.set("this", exp.Literal.string(f"{text[: zone.start()]}{zone[1]}{zone[2]:0>2}{zone[3] or ':00'}"))
    return written


def _type(node: Any) -> exp.Expression | None:
    """NUMERIC has 38 digits, 9 of them behind the point; DuckDB has room for half of BIGNUMERIC's."""
    if node.is_type("BINARY") and node.expressions:
        return exp.DataType.build("BYTES", dialect="bigquery")  # rows/lengths.py has looked at it
    digits = _DIGITS.get(node.this)
    return None if digits is None or node.expressions else exp.DataType.build(digits, dialect="bigquery")


RULES = {exp.Cast: _cast, exp.TryCast: _cast, exp.Timestamp: _timestamp, exp.DataType: _type}
