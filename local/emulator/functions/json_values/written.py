"""JSON: the members of an object are in the order of their names, and each type is written in its own way.

Source: https://cloud.google.com/bigquery/docs/reference/standard-sql/json_functions#json_encodings
"""

from __future__ import annotations

import base64
import functools
import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb
from bqemulator.domain.errors import UnsupportedFeatureError
from sqlglot import exp

from local.emulator.functions.macros import call, macro

if TYPE_CHECKING:
    from collections.abc import Callable

_WIDE = 2**53  # what a double holds exactly
_OCTET = re.compile(rb"\\x([0-9A-F]{2})")
_TIME = re.compile(r"(\d\d:\d\d:\d\d)(?:\.(\d+))?(\+00)?$")
_NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def register(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the functions."""
    connection.create_function("google__json", _in_order, ["VARCHAR"], "JSON")
    given = ["VARCHAR", "VARCHAR", "BOOLEAN"]
    connection.create_function("google__encoded", encoded, given, "VARCHAR", null_handling="special")


def macros() -> list[str]:
    """Write the macros."""
    text = "google__encoded(CAST(to_json(e) AS VARCHAR), typeof(e), {})"
    one = "list_transform([x], lambda e: {})[1]"
    return [
        macro("google__like", {"x, y": "cast_to_type(x, y)"}),
        macro("google__to_json_string", {"x": one.format(text.format("true"))}),
        macro("google__to_json", {"x": one.format(f"google__json({text.format('false')})")}),
    ]


def encoded(value: str | None, kind: str, stringified: bool) -> str:
    """Write DuckDB's JSON of a value as BigQuery does; ``stringified`` are numbers too wide for a double."""
    if value is None:
        return "null"
    if kind == "JSON":
        return value
    read = json.loads(value, parse_float=Decimal, parse_constant=Decimal, object_pairs_hook=tuple)
    return _written(read, _kind(kind), stringified)


@functools.lru_cache(maxsize=1000)
def _kind(name: str) -> Any:
    return duckdb.sqltype(name)


def _written(value: Any, kind: Any, stringified: bool) -> str:
    if str(kind) == "JSON":
        return _plain(value)
    if value is None:
        return "null"
    if kind.id == "list":
        return f"[{','.join(_written(one, kind.children[0][1], stringified) for one in value)}]"
    if kind.id == "struct":
        members = zip(kind.children, value, strict=True)
        return (
            "{"
            + ",".join(
                f"{_quoted(name)}:{_written(one, child, stringified)}" for (name, child), (_, one) in members
            )
            + "}"
        )
    return _scalar(value, kind, stringified)


def _scalar(value: Any, kind: Any, stringified: bool) -> str:
    if kind.id == "decimal":
        return _numeric(Decimal(value), stringified)
    if kind.id in ("double", "float"):
        return _short(float(value), stringified)
    if isinstance(value, int) and not isinstance(value, bool):
        return _quoted(str(value)) if stringified and abs(value) > _WIDE else str(value)
    if kind.id == "blob":
        octets = _OCTET.sub(lambda found: bytes([int(found[1], 16)]), value.encode())
        return _quoted(base64.b64encode(octets).decode())
    if kind.id in ("time", "timestamp", "timestamp with time zone"):
        return _quoted(_TIME.sub(_iso, value).replace(" ", "T"))
    if kind.id in ("interval", "geometry"):
        raise ValueError("the local BigQuery can't do TO_JSON of an INTERVAL or GEOGRAPHY; Google can")
    return json.dumps(value, ensure_ascii=False)


def _iso(time: re.Match[str]) -> str:
    digits = time[2] or ""
    fraction = f".{digits:0<{3 if len(digits) <= 3 else 6}}" if digits else ""
    return f"{time[1]}{fraction}{'Z' if time[3] else ''}"


def _numeric(number: Decimal, stringified: bool) -> str:
    digits = format(number, "f")
    text = digits.rstrip("0").rstrip(".") if "." in digits else digits
    return _quoted(text) if stringified and ("." in text or abs(int(text)) > _WIDE) else text


def _short(number: float, stringified: bool) -> str:
    if str(number) in _NOT_FINITE:
        return _quoted(_NOT_FINITE[str(number)])
    if not stringified:
        return repr(number)
    text = format(number, ".15g")
    return text if float(text) == number else format(number, ".17g")


def _plain(value: Any) -> str:
    """Write JSON within another value; its objects are tuples of pairs."""
    if isinstance(value, tuple):
        return "{" + ",".join(f"{_quoted(name)}:{_plain(one)}" for name, one in sorted(value)) + "}"
    if isinstance(value, list):
        return f"[{','.join(map(_plain, value))}]"
    if isinstance(value, Decimal):
        return repr(float(value))
    return json.dumps(value, ensure_ascii=False)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def in_order(value: Any) -> str:
    """Write JSON as BigQuery shows it, an object's members in the order of their names."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True, default=float)


def _in_order(text: str) -> str:
    # Of two members of one name the first counts.
    return in_order(json.loads(text, object_pairs_hook=lambda members: dict(reversed(members))))


def _made(node: Any) -> exp.Expression | None:
    return None if isinstance(node.parent, exp.SafeFunc) else _ordered(node)


def _encoded(node: Any) -> exp.Expression:
    if node.args.get("options") is not None:
        raise UnsupportedFeatureError("the local BigQuery can't do TO_JSON with options; Google can")
    if node.args.get("to_json"):
        return exp.cast(call("google__to_json", node.this), "JSON", dialect="bigquery")
    return call("google__to_json_string", node.this)


def _extracted(node: Any) -> exp.Expression | None:
    """Of JSON it is JSON, of a STRING one."""
    return None if node.this.is_string else call("google__like", node, node.this)


def _elements(node: Any) -> exp.Expression:
    """Elements of JSON are JSON, those of a STRING too: STRINGs with their quotes."""
    return call("google__like", node, exp.Array(expressions=[node.this.copy()]))


def _safe(node: Any) -> exp.Expression | None:
    return _ordered(node) if isinstance(node.this, exp.ParseJSON) else None


def _ordered(node: exp.Expression) -> exp.Expression:
    # bqemulator knows a PARSE_JSON and a CAST for JSON, and no call.
    return exp.cast(call("google__json", node), "JSON", dialect="bigquery")


_MAKERS: tuple[type[exp.Expr], ...] = (exp.JSONObject, exp.ParseJSON)
RULES: dict[type[exp.Expr], Callable[[Any], exp.Expression | None]] = {
    **dict.fromkeys(_MAKERS, _made),
    exp.JSONFormat: _encoded,
    exp.JSONExtract: _extracted,
    exp.JSONExtractArray: _elements,
    exp.SafeFunc: _safe,
}
