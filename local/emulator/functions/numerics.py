"""NUMERIC's own arithmetic: a result is a NUMERIC again, rounded to its 9 digits half away from zero.

DuckDB divides and averages as DOUBLE, and gives a product the digits of both. SUM of INT64 is an INT64.
Source: https://cloud.google.com/bigquery/docs/reference/standard-sql/mathematical_functions
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, localcontext
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from local.emulator.functions import aggregates, arrays
from local.emulator.functions.macros import ELEMENT, MistakeError, call, element_of, macro, overloads

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb

_WORKING_DIGITS = 90  # of a quotient of two with 38 each
_LARGEST = Decimal(10) ** 38  # with its digits behind the point
_OPERATIONS: dict[str, Callable[[Decimal, Decimal], Decimal]] = {
    "*": lambda x, y: x * y,
    "/": lambda x, y: x / y,
    "pow": lambda x, y: x**y,
    "sqrt": lambda x, _: x.sqrt(),
    "exp": lambda x, _: x.exp(),
    "ln": lambda x, _: x.ln(),
    "log": lambda x, y: x.ln() / y.ln(),
    "round": lambda x, digits: x.quantize(Decimal(1).scaleb(-int(digits)), ROUND_HALF_EVEN),
}
_ZERO = "CAST(error('division by zero') AS {})"


def register(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the function."""
    given = ["VARCHAR", "VARCHAR", "VARCHAR", "INTEGER"]
    connection.create_function("google__exact", exact, given, "VARCHAR")


def exact(operation: str, x: str, y: str, digits: int) -> str:
    """Calculate with numbers as text; raises MistakeError where the result is none, or too large."""
    with localcontext(prec=_WORKING_DIGITS):
        try:
            found = _OPERATIONS[operation](Decimal(x), Decimal(y))
            rounded = found.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
        except ArithmeticError as error:
            raise MistakeError(f"numeric overflow or undefined: {operation} of {x}") from error
    if abs(rounded.scaleb(digits)) >= _LARGEST:
        raise MistakeError(f"numeric overflow: {operation} of {x}")
    return format(rounded, "f")


def macros() -> list[str]:
    """Write the macros; those of two operands take them in a list, which has one type."""
    checked = "CASE WHEN e[2] = 0 AND e[1] IS NOT NULL THEN {} ELSE {} END"
    nothing = "CASE WHEN e[2] <> 0 THEN {} END"
    quotient = "CAST(e[1] AS DOUBLE) / e[2]"
    double = _finite(quotient, "/")
    zero = _ZERO.format("DOUBLE")
    found = [
        _of_two("google__product", _exactly("*"), _finite("e[1] * e[2]", "*"), whole="e[1] * e[2]"),
        _of_two(
            "google__quotient",
            checked.format("error('division by zero')", _exactly("/")),
            checked.format(zero, double),
        ),
        _of_two("google__mean", nothing.format(_exactly("/")), nothing.format(_finite(quotient, None))),
        _of_two("google__power", _exactly("pow"), _finite("power(e[1], e[2])", "POW")),
        _of_two("google__log", _exactly("log"), "log(e[2], e[1])"),
        macro("google__finite", {"x DOUBLE, y DOUBLE, name": _infinite("y", "x", "name")}),
        macro("google__total", {"x HUGEINT": _INT64, "x": _NUMERIC}),
        macro(
            "google__mod",
            {
                f"e {kind}[]": checked.format("error('division by zero')", "e[1] % e[2]")
                for kind in ("BIGINT", "HUGEINT", "DECIMAL(38, 9)")
            },
        ),
    ]
    for name in ("sqrt", "exp", "ln"):
        double = _infinite(f"{name}(CAST(e AS DOUBLE))", "CAST(e AS DOUBLE)", f"'{name.upper()}'")
        bodies = {"e DECIMAL(38, 9)": _exactly(name, "raw", "raw"), "e DOUBLE": double, "e BIGINT": double}
        found.append(_twice(f"google__{name}", bodies))
    return found


_INT64 = (
    "CASE WHEN x BETWEEN -9223372036854775808 AND 9223372036854775807 THEN CAST(x AS BIGINT) "
    "WHEN x IS NOT NULL THEN CAST(error('int64 overflow') AS BIGINT) END"
)


_NUMERIC = (
    "CASE WHEN typeof(x) = 'DECIMAL(38,9)' AND abs(x) > 99999999999999999999999999999.999999999 "
    "THEN error('numeric overflow: SUM') ELSE x END"
)


def _finite(value: str, name: str | None) -> str:
    return _infinite(value, "CAST(e[1] AS DOUBLE) + e[2]", name and f"'{name}'")


def _infinite(value: str, given: str, name: str | None) -> str:
    """Refuse what is infinite, or no number, of numbers that are finite.

    Source: https://cloud.google.com/bigquery/docs/reference/standard-sql/operators
    """
    words = f"error('Floating point error in function: ' || {name})" if name else "NULL"
    unusual = f"WHEN NOT isfinite({given}) THEN {value} WHEN {value} IS NOT NULL THEN {words}"
    return f"CASE WHEN isfinite({value}) THEN {value} {unusual} END"


def _of_two(name: str, numeric: str, double: str, whole: str | None = None) -> str:
    integers = f"CAST({whole} AS BIGINT)" if whole else double
    bodies = {"e DECIMAL(38, 9)[]": numeric, "e DOUBLE[]": double}
    return _twice(name, bodies | {f"e {kind}[]": integers for kind in ("BIGINT", "HUGEINT")})


def _twice(name: str, bodies: dict[str, str]) -> str:
    """Write a macro that knows its operand as it is, too: DuckDB casts what has a type to it."""
    both = {f"{parameter}, raw": body for parameter, body in bodies.items()}
    return overloads(f"{name}_of", both) + macro(
        name, {"e": element_of("e", f"{name}_of({ELEMENT}, {ELEMENT})")}
    )


def _exactly(operation: str, x: str = "raw[1]", y: str = "raw[2]") -> str:
    """Give a BIGNUMERIC of a BIGNUMERIC, and a NUMERIC of anything smaller."""
    digits = f"CASE WHEN typeof({x}) = 'DECIMAL(38,18)' THEN 18 ELSE 9 END"
    found = f"google__exact('{operation}', CAST({x} AS VARCHAR), CAST({y} AS VARCHAR), {digits})"
    return f"cast_to_type({found}, greatest({x}, CAST(0 AS DECIMAL(29, 9))))"


def _is_plain(node: exp.Expr) -> bool:
    """Tell whether an operand makes the result a FLOAT64 or an INTERVAL, as can be seen."""
    while isinstance(node, exp.Paren | exp.Neg):
        node = node.this
    number = isinstance(node, exp.Literal) and not node.is_string
    return isinstance(node, exp.Interval) or (number and not node.name.isdigit())


def _is_whole(node: exp.Expr) -> bool:
    return isinstance(node, exp.Literal) and not node.is_string and node.name.isdigit()


def _pair(name: str, x: exp.Expression, y: exp.Expression) -> exp.Expression:
    return call(name, arrays.values([x, y]))


def _multiplied(node: Any) -> exp.Expression | None:
    x, y = node.this, node.expression
    if _is_plain(x) or _is_plain(y):
        return floating(node)
    return None if _is_whole(x) and _is_whole(y) else _pair("google__product", x, y)


def _divided(node: Any) -> exp.Expression | None:
    x, y = node.this, node.expression
    return floating(node) if _is_plain(x) or _is_plain(y) else _pair("google__quotient", x, y)


_SIGNS: dict[type[exp.Expr], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/"}


def floating(node: Any) -> exp.Expression | None:
    """Look at what becomes of a FLOAT64 that is written out, and another number."""
    written = [one for one in (node.this, node.expression) if _is_plain(one)]
    if not written or any(isinstance(one, exp.Interval) for one in written):
        return None
    other = node.expression if written[0] is node.this else node.this
    return call("google__finite", other, exp.Paren(this=node.copy()), _SIGNS[type(node)])


def _safely_divided(node: Any) -> exp.Expression:
    return _pair("google__mean", node.this, node.expression)


def _safely_multiplied(node: Any) -> exp.Expression:
    return exp.SafeFunc(this=_pair("google__product", node.this, node.expression))


def _powered(node: Any) -> exp.Expression:
    return _pair("google__power", node.this, node.expression)


def _logarithm(node: Any) -> exp.Expression | None:
    # sqlglot has them in the order of LOG(base, x), and LOG10 too.
    return None if node.expression is None else _pair("google__log", node.expression, node.this)


def _of_one(name: str) -> Callable[[Any], exp.Expression | None]:
    return lambda node: call(f"google__{name}", node.this)


def _remainder(node: Any) -> exp.Expression:
    return _pair("google__mod", node.this, node.expression)


def _aggregate(node: Any) -> exp.Expression | None:
    """AVG, MIN and SUM of rows."""
    return None if isinstance(node.parent, exp.Window) else _aggregated(node, node)


def _windowed(node: Any) -> exp.Expression | None:
    """AVG, CORR, MIN and SUM over a window."""
    if isinstance(node.this, exp.Corr):
        return aggregates.correlated(node)
    return _aggregated(node.this, node) if isinstance(node.this, exp.Avg | exp.Sum | exp.Min) else None


def _aggregated(aggregate: Any, whole: exp.Expression) -> exp.Expression | None:
    if isinstance(aggregate.this, exp.HavingMax) or whole.find_ancestor(exp.Pivot):
        # PIVOT takes nothing but an aggregate.
        return None
    if isinstance(aggregate, exp.Sum):
        return call("google__total", whole)
    if isinstance(aggregate, exp.Min):
        [greatest] = _others(aggregate, whole, exp.Max)
        return call("google__smallest", whole, greatest)
    return _pair("google__mean", *_others(aggregate, whole, exp.Sum, exp.Count))


def _others(aggregate: Any, whole: exp.Expression, *kinds: type[exp.Expression]) -> list[exp.Expression]:
    """Give other aggregates of the same rows."""
    found: list[exp.Expression] = []
    for kind in kinds:
        other: exp.Expression = kind(this=aggregate.this.copy())
        if whole is not aggregate:
            window = whole.copy()
            window.set("this", other)
            other = window
        found.append(other)
    return found


def _checked(node: Any) -> exp.Expression:
    return call("google__finite", node.this, node, type(node).__name__.upper())


_OF_ONE = (exp.Atanh, exp.Cosh, exp.Coth, exp.Csc, exp.Csch, exp.Sinh)
RULES: dict[type[exp.Expr], Callable[[Any], exp.Expression | None]] = {
    **dict.fromkeys(_OF_ONE, _checked),
    exp.Add: floating,
    exp.Mul: _multiplied,
    exp.Div: _divided,
    exp.SafeDivide: _safely_divided,
    exp.SafeMultiply: _safely_multiplied,
    exp.Mod: _remainder,
    exp.Pow: _powered,
    exp.Log: _logarithm,
    exp.Ln: _of_one("ln"),
    exp.Sqrt: _of_one("sqrt"),
    exp.Exp: _of_one("exp"),
    exp.Avg: _aggregate,
    exp.Min: _aggregate,
    exp.Sum: _aggregate,
    exp.Window: _windowed,
}
