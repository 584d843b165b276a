"""LIKE with a backslash, SUBSTR from before the beginning, lengths below zero, NET.HOST."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bqemulator.domain.errors import UnsupportedFeatureError
from sqlglot import exp

from local.emulator.functions import dates, ranges
from local.emulator.functions.json_values import changes
from local.emulator.functions.macros import call, macro

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb


# TRUE of one is enough, else NULL of one makes it NULL; of no pattern at all it is FALSE.
_LIKE_ANY = (
    r"list_transform([list_transform(coalesce(a, []), lambda p: (x LIKE p ESCAPE '\') <> negated)], "
    "lambda l: CASE WHEN list_contains(l, true) THEN true WHEN list_count(l) = len(l) THEN false END)[1]"
)


def macros() -> list[str]:
    """Write the macros."""
    start = "CASE WHEN p = 0 OR -p > length(x) THEN 1 ELSE p END"
    second = "error('Second argument in ' || name || '() cannot be negative')"
    third = "error('Third argument in SUBSTR() cannot be negative')"
    return [
        macro("google__length", {"n, name": f"CASE WHEN n < 0 THEN {second} ELSE n END"}),
        macro(
            "google__json_type",
            {
                "x": "CASE json_type(x) WHEN 'VARCHAR' THEN 'string' WHEN 'OBJECT' THEN 'object' "
                "WHEN 'ARRAY' THEN 'array' WHEN 'BOOLEAN' THEN 'boolean' WHEN 'NULL' THEN 'null' "
                "ELSE CASE WHEN x IS NOT NULL THEN 'number' END END"
            },
        ),
        macro("google__like_any", {"x, a, negated": _LIKE_ANY}),
        macro("google__join", {"x, y": "x || y"}),
        macro("google__astext", {"x": r"regexp_replace(st_astext(x), '([A-Z]) \(', '\1(', 'g')"}),
        macro("google__unicode", {"x": "CASE WHEN x = '' THEN 0 ELSE unicode(x) END"}),
        macro("google__substr", {"x, p": f"substring(x, {start})"}),
        macro(
            "google__substr_of",
            {"x, p, n": f"CASE WHEN n < 0 THEN {third} ELSE substring(x, {start}, n) END"},
        ),
    ]


def register(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the functions."""
    connection.create_function("google__legible", _legible, ["BLOB"], "VARCHAR")
    connection.create_function("google__host", _host, ["VARCHAR"], "VARCHAR", null_handling="special")


def _host(url: str | None) -> str | None:
    if not url:
        return None
    text = url.strip()
    try:
        name = urlsplit(text if "//" in text else f"//{text}").netloc.rpartition("@")[2]
    except ValueError:
        return None
    return name.partition(":")[0] or None


def _legible(octets: bytes) -> str:
    return octets.decode(errors="replace")


def _converted(node: Any) -> exp.Expression:
    return call("google__legible", node.this)


def _like(node: Any) -> exp.Expression | None:
    pattern = node.expression
    if isinstance(node.parent, exp.Escape) or not isinstance(pattern, exp.Expression):
        return None
    if isinstance(pattern, exp.Any | exp.All):
        return _like_several(node, pattern)
    if isinstance(pattern, exp.Literal) and "\\" not in pattern.name:
        return None
    return exp.Escape(this=node.copy(), expression=exp.Literal.string("\\"))


def _like_several(node: Any, patterns: exp.Any | exp.All) -> exp.Expression:
    """LIKE any of these, or all; with NOT, what is not like any of them, or all."""
    inner, negated = patterns.this, bool(node.args.get("negate"))
    if isinstance(inner, exp.Unnest | exp.Subquery):
        if isinstance(patterns, exp.All):
            raise UnsupportedFeatureError("the local BigQuery can't do LIKE ALL of an array; Google can")
        [array] = (
            inner.expressions if isinstance(inner, exp.Unnest) else [exp.Array(expressions=[inner.this])]
        )
        return call("google__like_any", node.this, array, exp.Boolean(this=negated))
    found: list[exp.Expr] = []
    for pattern in inner.expressions if isinstance(inner, exp.Tuple) else [inner.this]:
        like = exp.Like(this=node.this.copy(), expression=pattern.copy())
        one = exp.Escape(this=like, expression=exp.Literal.string("\\"))
        found.append(exp.not_(one) if negated else one)
    together = exp.or_(*found) if isinstance(patterns, exp.Any) else exp.and_(*found)
    return exp.Paren(this=together)


def _joined(node: Any) -> exp.Expression | None:
    """Of BYTES they are BYTES, of arrays an array."""
    if _is_text(node.this) or _is_text(node.expression):
        return None
    return call("google__join", node.this, node.expression)


def _concatenated(node: Any) -> exp.Expression | None:
    joined, *parts = [part if _is_text(part) else call("google__part", part) for part in node.expressions]
    for part in parts:
        # Of STRINGs a || says so where all are NULL.
        both = (joined.copy(), part.copy())
        is_text = any(map(_is_text, node.expressions))
        joined = exp.DPipe(this=both[0], expression=both[1]) if is_text else call("google__join", *both)
    return joined


def _is_text(node: exp.Expr) -> bool:
    """Tell whether it can be seen that something is a STRING."""
    return node.is_string or node.name in ("google__string", "google__try_string")


def _substr(node: Any) -> exp.Expression | None:
    start, length = node.args.get("start"), node.args.get("length")
    if start is None or (isinstance(start, exp.Literal) and start.name != "0" and length is None):
        return None
    if length is None:
        return call("google__substr", node.this, start)
    return call("google__substr_of", node.this, start, length)


def _named(node: Any) -> exp.Expression | None:
    """Functions that sqlglot does not know."""
    name = node.name.upper()
    if name in ("DATE_BUCKET", "DATETIME_BUCKET", "TIMESTAMP_BUCKET"):
        return dates.bucket(node)
    if name == "JSON_FLATTEN":
        return changes.flat(node)
    if name == "ST_ASTEXT":
        return call("google__astext", *node.expressions)
    return ranges.of_name(node)


def _position(node: Any) -> exp.Expression | None:
    if isinstance(node.args.get("position"), exp.Neg):
        raise UnsupportedFeatureError("the local BigQuery can't do INSTR from the end of a text; Google can")
    return None


def _json_type(node: Any) -> exp.Expression:
    return call("google__json_type", node.this)


def _unicode(node: Any) -> exp.Expression:
    return call("google__unicode", node.this)


def _collated(node: Any) -> exp.Expression | None:
    """It may order rows, but what it is compared with has no such order here."""
    kind = node.expression
    if node.find_ancestor(exp.Ordered, exp.Select) and isinstance(node.parent, exp.Ordered):
        return None
    if isinstance(kind, exp.Literal) and kind.name:
        raise UnsupportedFeatureError(
            f"the local BigQuery can't compare by COLLATE '{kind.name}'; Google can"
        )
    return None


def _of_length(node: Any) -> exp.Expression | None:
    """Let a length below zero fail, as in BigQuery."""
    place = "times" if isinstance(node, exp.Repeat) else "expression"
    length = node.args[place]
    if isinstance(length, exp.Literal):
        return None
    name = type(node).__name__.upper()
    if isinstance(node, exp.Pad):
        name = "LPAD" if node.args.get("is_left") else "RPAD"
    found: exp.Expression = node.copy()
    found.set(place, call("google__length", length, name))
    return found


RULES: dict[type[exp.Expr], Callable[[Any], exp.Expression | None]] = {
    **dict.fromkeys((exp.Left, exp.Right, exp.Repeat, exp.Pad), _of_length),
    exp.Like: _like,
    exp.Substring: _substr,
    exp.Anonymous: _named,
    exp.StrPosition: _position,
    exp.JSONType: _json_type,
    exp.Unicode: _unicode,
    exp.Collate: _collated,
    exp.SafeConvertBytesToString: _converted,
    exp.Concat: _concatenated,
    exp.DPipe: _joined,
}
