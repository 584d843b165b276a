"""JSON that is another one changed: JSON_SET, JSON_REMOVE, JSON_ARRAY_APPEND and their neighbours.

What a path does not lead to stays as it is, but for JSON_SET, which makes it.
Source: https://cloud.google.com/bigquery/docs/reference/standard-sql/json_functions
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from local.emulator.functions.json_values.written import in_order
from local.emulator.functions.macros import MistakeError, call

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb

Path = list[Any]  # of names and indexes
_STEP = re.compile(r'\.(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<name>[^.\["]+))|\[\s*(?P<index>\d+)\s*\]')
_PLAIN = re.compile(r"\w+")
_DEEPEST = 10**6
_ABSENT: Any = object()


def register(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the functions."""
    given = ["VARCHAR", "VARCHAR", "VARCHAR[]", "VARCHAR[]", "BOOLEAN"]
    connection.create_function("google__json_changed", changed, given, "VARCHAR")
    connection.create_function("google__json_flat", flattened, ["VARCHAR"], "VARCHAR[]")
    connection.create_function("google__json_keys", keys, ["VARCHAR", "BIGINT", "VARCHAR"], "VARCHAR[]")
    given = ["VARCHAR", "VARCHAR", "BOOLEAN", "BOOLEAN"]
    connection.create_function("google__json_without_nulls", without_nulls, given, "VARCHAR")


def keys(document: str, depth: int, mode: str) -> list[str]:
    """Give the paths of names in a document, down to a depth, each once and in order. Raises MistakeError."""
    words = sorted(mode.lower().split())
    if words not in (["strict"], ["lax"], ["lax", "recursive"]):
        raise MistakeError(f"Invalid JSON mode specified: {mode}")
    if depth < 1:
        raise MistakeError("max_depth must be positive.")

    def below(value: Any, path: str, level: int, lists: int) -> set[str]:
        if isinstance(value, list):
            into = "recursive" in words or (words == ["lax"] and not lists)
            return {one for each in value if into for one in below(each, path, level, lists + 1)}
        if not isinstance(value, dict) or level > depth:
            return set()
        found = set()
        for name, one in value.items():
            whole = f"{path}{name if _PLAIN.fullmatch(name) else json.dumps(name, ensure_ascii=False)}"
            found |= {whole, *below(one, f"{whole}.", level + 1, 0)}
        return found

    return sorted(below(json.loads(document), "", 1, 0))


def changed(operation: str, document: str, paths: list[str], values: list[str], option: bool) -> str:
    """Change a document at each path in turn; a path is ``$.a[0]``, a value JSON. Raises MistakeError."""
    found = json.loads(document)
    for path, value in zip(paths, values, strict=True):
        found = _OPERATIONS[operation](found, steps(path), json.loads(value), option)
    return in_order(found)


def flattened(document: str) -> list[str]:
    """Give the elements of a document's array, and of the arrays in it."""

    def elements(value: Any) -> list[str]:
        return (
            [one for each in value for one in elements(each)]
            if isinstance(value, list)
            else [in_order(value)]
        )

    return elements(json.loads(document))


def without_nulls(document: str, path: str, in_arrays: bool, empty_too: bool) -> str:
    """Take nulls out of what a path leads to, and what is empty then."""

    def stripped(value: Any) -> Any:
        if isinstance(value, dict):
            members = {name: stripped(one) for name, one in value.items()}
            value = {name: one for name, one in members.items() if one is not _ABSENT}
        elif isinstance(value, list):
            elements = [stripped(one) for one in value]
            value = (
                [one for one in elements if one is not _ABSENT]
                if in_arrays
                else [None if one is _ABSENT else one for one in elements]
            )
        return _ABSENT if value is None or (empty_too and value in ({}, [])) else value

    where = steps(path)
    found = json.loads(document)
    there = _at(found, where)
    if there is _ABSENT:
        return in_order(found)
    left = stripped(there)
    return in_order(_put(found, where, None if left is _ABSENT else left))


def steps(path: str) -> Path:
    """Read a JSONPath of names and indexes; raises MistakeError for another."""
    position, found = 1, list[Any]()
    while path.startswith("$") and position < len(path):
        step = _STEP.match(path, position)
        if step is None:
            break
        position = step.end()
        quoted = step["quoted"]
        name = step["name"] if quoted is None else json.loads(f'"{quoted}"')
        found.append(int(step["index"]) if step["index"] is not None else name)
    if not path.startswith("$") or position < len(path):
        raise MistakeError(f"Invalid JSONPath: {path}")
    return found


def _at(document: Any, path: Path) -> Any:
    for step in path:
        if isinstance(document, dict) and isinstance(step, str):
            document = document.get(step, _ABSENT)
        elif isinstance(document, list) and isinstance(step, int) and step < len(document):
            document = document[step]
        else:
            return _ABSENT
    return document


def _put(document: Any, path: Path, value: Any) -> Any:
    """Give the document with a value where a path leads that is there."""
    if not path:
        return value
    _at(document, path[:-1])[path[-1]] = value
    return document


def _set(document: Any, path: Path, value: Any, create: bool) -> Any:
    if not path:
        return value
    step, *rest = path
    if document is None and create:
        document = {} if isinstance(step, str) else []
    if isinstance(document, dict) and isinstance(step, str):
        if step in document or create:
            document[step] = _set(document.get(step), rest, value, create)
    elif isinstance(document, list) and isinstance(step, int) and (step < len(document) or create):
        document += [None] * (step + 1 - len(document))
        document[step] = _set(document[step], rest, value, create)
    return document


def _remove(document: Any, path: Path, _value: Any, _option: bool) -> Any:
    if not path:
        raise MistakeError("The JSONPath cannot be '$'")
    if _at(document, path) is not _ABSENT:
        del _at(document, path[:-1])[path[-1]]
    return document


def _append(document: Any, path: Path, value: Any, each: bool) -> Any:
    there = _at(document, path)
    if there is not None and not isinstance(there, list):
        return document
    added = value if each and isinstance(value, list) else [value]
    return _put(document, path, [*(there or ()), *added])


def _insert(document: Any, path: Path, value: Any, each: bool) -> Any:
    if not path or not isinstance(path[-1], int):
        return document
    *where, index = path
    there = _at(document, where)
    if there is not None and not isinstance(there, list):
        return document
    elements = [*(there or ())]
    elements += [None] * (index - len(elements))
    elements[index:index] = value if each and isinstance(value, list) else [value]
    return _put(document, where, elements)


_OPERATIONS: dict[str, Callable[[Any, Path, Any, bool], Any]] = {
    "set": _set,
    "remove": _remove,
    "append": _append,
    "insert": _insert,
}


def _of_pairs(operation: str) -> Callable[[Any], exp.Expression]:
    def rule(node: Any) -> exp.Expression:
        pairs = [one for one in node.expressions if not isinstance(one, exp.Kwarg)]
        options = [one for one in node.expressions if isinstance(one, exp.Kwarg)]
        option = options[0].expression if options else exp.true()
        return _changed(operation, node.this, pairs[::2], [_encoded(one) for one in pairs[1::2]], option)

    return rule


def _removed(node: Any) -> exp.Expression:
    nothing: list[exp.Expression] = [exp.Literal.string("null") for _ in node.expressions]
    return _changed("remove", node.this, node.expressions, nothing, exp.true())


def _changed(
    operation: str, document: exp.Expression, paths: list[Any], values: list[Any], option: exp.Expression
) -> exp.Expression:
    lists = (exp.Array(expressions=[one.copy() for one in many]) for many in (paths, values))
    return _as_json(call("google__json_changed", operation, _text(document), *lists, option))


def _stripped(node: Any) -> exp.Expression:
    options = (node.args.get("include_arrays"), node.args.get("remove_empty"))
    in_arrays, empty_too = (
        one.expression if isinstance(one, exp.Kwarg) else one if one is not None else default
        for one, default in zip(options, (exp.true(), exp.false()), strict=True)
    )
    path = node.args.get("expression") or exp.Literal.string("$")
    return _as_json(call("google__json_without_nulls", _text(node.this), path, in_arrays, empty_too))


def flat(node: exp.Anonymous) -> exp.Expression:
    """JSON_FLATTEN, which sqlglot does not know."""
    return exp.cast(call("google__json_flat", _text(node.expressions[0])), "ARRAY<JSON>", dialect="bigquery")


def _encoded(value: exp.Expression) -> exp.Expression:
    return _text(call("google__to_json", value))


def _keys(node: Any) -> exp.Expression:
    given = [one for one in (node.args.get("expression"), node.args.get("mode")) if one is not None]
    named = {one.name.lower(): one.expression for one in given if isinstance(one, exp.Kwarg)}
    depth = next((one for one in given if not isinstance(one, exp.Kwarg)), named.get("max_depth"))
    mode = named.get("mode", exp.Literal.string("strict"))
    return call("google__json_keys", _text(node.this), depth or _DEEPEST, mode)


def _text(value: exp.Expression) -> exp.Expression:
    return exp.cast(value.copy(), "STRING", dialect="bigquery")


def _as_json(value: exp.Expression) -> exp.Expression:
    return exp.cast(value, "JSON", dialect="bigquery")


RULES: dict[type[exp.Expr], Callable[[Any], exp.Expression | None]] = {
    exp.JSONKeysAtDepth: _keys,
    exp.JSONSet: _of_pairs("set"),
    exp.JSONArrayAppend: _of_pairs("append"),
    exp.JSONArrayInsert: _of_pairs("insert"),
    exp.JSONRemove: _removed,
    exp.JSONStripNulls: _stripped,
}
