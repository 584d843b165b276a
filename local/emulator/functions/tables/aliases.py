"""Names of the SELECT list: GROUP BY, HAVING, QUALIFY and ORDER BY mean them before a column of that name.

DuckDB means the column, but where an ORDER BY is the name alone. So what the name stands for is written out.
Source: https://cloud.google.com/bigquery/docs/reference/standard-sql/query-syntax#aliases_clauses
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlglot import exp

if TYPE_CHECKING:
    from collections.abc import Mapping

# Of these an ORDER BY would take the number for a column's, and no order comes of them.
_CONSTANT = (exp.Boolean, exp.Literal, exp.Null)
# Asked twice, these give two answers or cost twice.
_ONCE = (exp.Parameter, exp.Placeholder, exp.Query, exp.Rand, exp.Uuid, exp.Star)
_OF_ROWS = (exp.AggFunc, exp.Window)


def rewritten(statement: exp.Expr) -> bool:
    """Write them out in every SELECT; tells whether there is one."""
    found = False
    for select in statement.find_all(exp.Select):
        group, order = (select.args.get(clause) for clause in ("group", "order"))
        # What it gives is one column there, which has none of the names and is the only one to be numbered.
        struct = select.args.get("kind") == "STRUCT"
        keys = [
            *(group.expressions if group else ()),
            *(key.this for key in (order or exp.Order()).expressions),
        ]
        for key in keys if struct else ():
            found |= _numbered(key, select)
        meant = _meant(select)
        for key in list(group.expressions) if group else ():
            found |= _alone(key) and not _is_of_rows(meant.get(key.name.lower())) and _written(key, meant)
        for clause in ("having", "qualify"):
            found |= _each(select.args.get(clause), meant)
        for key in order.expressions if order and not select.args.get("distinct") else ():
            found |= (struct or not _alone(key.this)) and _each(key, meant)
    return found


def behind(key: Any) -> Any:
    """Give what a key of a SELECT's ORDER BY stands for, where it is a name of the list; else the key."""
    select = key.find_ancestor(exp.Select)
    return _meant(select).get(key.name.lower(), key) if select is not None and _alone(key) else key


def _meant(select: exp.Select) -> dict[str, exp.Expr]:
    """Give what stands behind each name that is one expression's, and that may be asked twice."""
    found: dict[str, exp.Expr | None] = {}
    for one in select.expressions:
        name, meant = one.alias_or_name.lower(), one.unalias()
        plain = _alone(meant) and meant.name.lower() == name
        twice = name in found or isinstance(meant, _CONSTANT) or meant.find(*_ONCE) is not None
        found[name] = None if plain or twice else meant
    return {name: meant for name, meant in found.items() if name and meant is not None}


def _each(clause: exp.Expr | None, meant: Mapping[str, exp.Expr]) -> bool:
    """Write out the names within a clause, but in a query of its own, which has names of its own."""
    found = False
    nodes = clause.walk(prune=lambda node: isinstance(node, exp.Query)) if clause is not None else ()
    for column in [node for node in nodes if _alone(node)]:
        if column.find_ancestor(*_OF_ROWS) is None or not _is_of_rows(meant.get(column.name.lower())):
            found |= _written(column, meant)
    return found


def _numbered(key: exp.Expr, select: exp.Select) -> bool:
    """Write out what a number means."""
    number = int(key.name) if isinstance(key, exp.Literal) and key.is_int else 0
    if select.is_star or not 0 < number <= len(select.expressions):
        return False
    key.replace(exp.paren(select.expressions[number - 1].unalias().copy()))
    return True


def _alone(node: exp.Expr) -> bool:
    return isinstance(node, exp.Column) and not node.table and isinstance(node.this, exp.Identifier)


def _is_of_rows(node: exp.Expr | None) -> bool:
    return node is not None and node.find(*_OF_ROWS) is not None


def _written(name: exp.Expr, meant: Mapping[str, exp.Expr]) -> bool:
    expression = meant.get(name.name.lower())
    if expression is None:
        return False
    name.replace(exp.paren(expression.copy()))
    return True
