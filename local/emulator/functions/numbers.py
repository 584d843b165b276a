"""ROUND and its like of an INT64 are FLOAT64 in BigQuery, and an integer in DuckDB.

DIV and SAFE_SUBTRACT become operators in DuckDB: what they are given, and they themselves, stay one value.
"""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from local.emulator.functions.macros import call, macro

_WHOLE = ("BIGINT", "HUGEINT")
_NAMES = {exp.Round: "round", exp.Trunc: "trunc", exp.Ceil: "ceil", exp.Floor: "floor"}


# A number in a text: blanks and commas are skipped, and the sign may stand behind it.
_BARE = r"regexp_replace(regexp_replace(x, '[\s,]', '', 'g'), '^([^+-].*)([+-])$', '\2\1')"
_APART = r"[\d.,]\s+[\d.,]"  # blanks among the digits
_BAD = "'Invalid NUMERIC value: ' || x"
_EVEN = "google__exact('round', CAST(x AS VARCHAR), CAST(n AS VARCHAR), 9)"


_MODES = {"ROUND_HALF_EVEN": "google__round_even", "ROUND_HALF_AWAY_FROM_ZERO": "google__round_to"}


def macros() -> list[str]:
    """Write the macros."""
    found = []
    for name in _NAMES.values():
        kinds = ("DOUBLE", "DECIMAL(38, 9)")
        bodies = {"x BIGINT": "CAST(x AS DOUBLE)"} | {f"x {kind}": f"{name}(x)" for kind in kinds}
        found.append(macro(f"google__{name}", bodies))
    for name, digits in (("round", "round(x, n)"), ("trunc", "trunc(x * pow(10, n)) / pow(10, n)")):
        bodies = {
            "x BIGINT, n": f"CAST({digits} AS DOUBLE)",
            "x DOUBLE, n": digits,
            "x DECIMAL(38, 9), n": f"CAST({digits} AS DECIMAL(38, 9))",
        }
        found.append(macro(f"google__{name}_to", bodies))
    checked = "CASE WHEN y = 0 AND x IS NOT NULL THEN error('division by zero') ELSE {} END"
    whole = {f"x {a}, y {b}": checked.format("x // y") for a in _WHOLE for b in _WHOLE}
    quotient = checked.format("CAST(trunc(x / y) AS DECIMAL(38, 9))")
    exact = {"x DECIMAL(38, 9), y DECIMAL(38, 9)": quotient}
    found.append(macro("google__div", whole | exact))
    found.append(
        macro(
            "google__round_even",
            {"x DECIMAL(38, 9), n": f"CAST({_EVEN} AS DECIMAL(38, 9))", "x DOUBLE, n": "round_even(x, n)"},
        )
    )
    for name, kind in (("parse_numeric", "DECIMAL(38, 9)"), ("parse_bignumeric", "DECIMAL(38, 18)")):
        given = f"CASE WHEN NOT regexp_matches(x, '{_APART}') THEN TRY_CAST({_BARE} AS {kind}) END"
        number = f"coalesce({given}, CAST(error({_BAD}) AS {kind}))"
        body = f"CASE WHEN x IS NOT NULL THEN {number} END"
        found.append(macro(f"google__{name}", {"x": body}))
    signs = {
        "x BIGINT": "CAST(sign(x) AS BIGINT)",
        "x DOUBLE": "CASE WHEN isnan(x) THEN x ELSE CAST(sign(x) AS DOUBLE) END",
    }
    found.append(macro("google__sign", signs | {"x DECIMAL(38, 9)": "CAST(sign(x) AS DECIMAL(38, 9))"}))
    no_step = "error('Sequence step cannot be 0.')"
    found.append(macro("google__step", {"s": f"CASE WHEN s = 0 THEN {no_step} ELSE s END"}))
    steps = "generate_series(0, CAST(floor((b - a) / s + 1e-9) AS BIGINT))"
    found.append(
        macro("google__floats", {"a, b, s": f"list_transform({steps}, lambda i: CAST(a + i * s AS DOUBLE))"})
    )
    return found


def _signed(node: Any) -> exp.Expression:
    return call("google__sign", node.this)


def _generated(node: Any) -> exp.Expression | None:
    """Of FLOAT64, where that can be seen: DuckDB's is of whole numbers. A step of 0 gives it no element."""
    start, end, step = (node.args.get(name) for name in ("start", "end", "step"))
    numbers = [one.this if isinstance(one, exp.Neg) else one for one in (start, end, step)]
    checked = step if step is None or numbers[2].name.strip("0.") else call("google__step", step)
    if any(isinstance(one, exp.Literal) and not one.is_string and "." in one.name for one in numbers):
        return call("google__floats", start, end, checked if checked is not None else 1)
    if checked is step:
        return None
    found: exp.Expression = node.copy()
    found.set("step", checked)
    return found


def _parsed(name: str) -> Any:
    return lambda node: call(f"google__{name}", node.this)


def _divided(node: Any) -> exp.Expression:
    return call("google__div", node.this, node.expression)


def _kept_together(node: Any) -> exp.Expression | None:
    loose = [name for name, value in node.args.items() if isinstance(value, exp.Binary | exp.Unary)]
    if not loose:
        return None
    found: exp.Expression = node.copy()
    for name in loose:
        found.set(name, exp.Paren(this=found.args[name]))
    return found


def _rounded(node: Any) -> exp.Expression | None:
    name = _NAMES[type(node)]
    mode = node.args.get("truncate")
    if mode is not None and mode.name in _MODES:
        return call(_MODES[mode.name], node.this, node.args["decimals"])
    if any(
        node.args.get(key) is not None
        for key in node.args
        if key not in ("this", "decimals", "fractions_supported")
    ):
        return None
    digits = node.args.get("decimals")
    return (
        call(f"google__{name}", node.this)
        if digits is None
        else call(f"google__{name}_to", node.this, digits)
    )


_SAFE: tuple[type[exp.Expr], ...] = (exp.SafeAdd, exp.SafeSubtract, exp.SafeNegate)
_ROUNDED: tuple[type[exp.Expr], ...] = tuple(_NAMES)
RULES = {
    **dict.fromkeys(_ROUNDED, _rounded),
    **dict.fromkeys(_SAFE, _kept_together),
    exp.ParseNumeric: _parsed("parse_numeric"),
    exp.ParseBignumeric: _parsed("parse_bignumeric"),
    exp.IntDiv: _divided,
    exp.Sign: _signed,
    exp.GenerateSeries: _generated,
}
