"""JSON: the members of an object are in the order of their names.

Source: https://cloud.google.com/bigquery/docs/reference/standard-sql/json_functions#json_object
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from local.emulator.functions.macros import call

if TYPE_CHECKING:
    import duckdb


def register(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the functions."""
    connection.create_function("google__json", _in_order, ["VARCHAR"], "JSON")


def _in_order(text: str) -> str:
    return json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _made(node: Any) -> exp.Expression | None:
    if isinstance(node, exp.JSONFormat) and not node.args.get("to_json"):
        return None
    return None if isinstance(node.parent, exp.SafeFunc) else _ordered(node)


def _safe(node: Any) -> exp.Expression | None:
    return _ordered(node) if isinstance(node.this, exp.ParseJSON) else None


def _ordered(node: exp.Expression) -> exp.Expression:
    # bqemulator knows a PARSE_JSON and a CAST for JSON, and no call.
    return exp.cast(call("google__json", node), "JSON", dialect="bigquery")


_MAKERS: tuple[type[exp.Expr], ...] = (exp.JSONObject, exp.ParseJSON, exp.JSONFormat, exp.JSONSet)
RULES = {**dict.fromkeys(_MAKERS, _made), exp.SafeFunc: _safe}
