"""UNNEST in FROM: elements that are STRUCTs are columns of their fields, and an offset begins at 0.

DuckDB has a struct for a column, and counts from 1. Its `unnest` of a SELECT list tells what the elements are
when a statement is bound: a struct becomes columns, anything else one.
Source: https://cloud.google.com/bigquery/docs/reference/standard-sql/query-syntax#unnest_operator
"""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from local.emulator.functions.macros import call, macro, quoted

# DuckDB's own `unnest`, which sqlglot would read as BigQuery's: functions/__init__.py writes it so.
FIELDS = "google__fields"
_NO_NAME = "f0_"
_WHOLE = "google__whole_{}"  # the element itself, where an offset is beside its fields


def macros() -> list[str]:
    """Write the macro."""
    return [macro("google__offsets", {"a": "range(len(a))"})]


def rewritten(statement: exp.Expr) -> bool:
    """Write each UNNEST as a subquery; tells whether there is one."""
    found = False
    for select in list(statement.find_all(exp.Select)):
        _implicit(select)
    for unnest in list(statement.find_all(exp.Unnest)):
        if isinstance(unnest.parent, exp.From | exp.Join | exp.Merge) and len(unnest.expressions) == 1:
            _written(unnest)
            found = True
    return found


def _implicit(select: exp.Select) -> None:
    """Write `FROM t, t.a` with its UNNEST."""
    from_ = select.args.get("from_")
    sources = {from_.this.alias_or_name} if from_ is not None else set()
    for join in select.args.get("joins") or ():
        table = join.this
        if isinstance(table, exp.Table) and len(table.parts) > 1 and table.parts[0].name in sources:
            first, field, *rest = [part.copy() for part in table.parts]
            array: exp.Expr = exp.Column(this=field, table=first)
            for one in rest:
                array = exp.Dot(this=array, expression=one)
            alias = exp.TableAlias(columns=[exp.to_identifier(table.alias)]) if table.alias else None
            join.set("this", exp.Unnest(expressions=[array], alias=alias))
            if join.side and not join.args.get("on"):
                join.set("on", exp.true())
        sources.add(join.this.alias_or_name)


def _written(unnest: Any) -> None:
    [array] = unnest.expressions
    alias = unnest.args.get("alias")
    name = (alias.name or next((one.name for one in alias.columns), "")) if alias is not None else ""
    offset = unnest.args.get("offset")
    counted = (offset.name if isinstance(offset, exp.Expr) else "offset") if offset else ""
    columns = [exp.alias_(_fields(array), name or _NO_NAME, quoted=True)]
    # Of fields alone it can't be told whether there is an element where a LEFT JOIN finds none.
    if name and (offset or unnest.parent.args.get("side")):
        if _is_whole(unnest, {name, counted}):
            columns = [exp.alias_(call(FIELDS, array), name, quoted=True)]
        elif _apart(unnest, name, counted):
            columns.append(exp.alias_(call(FIELDS, array), _WHOLE.format(name), quoted=True))
    if offset:
        columns.append(exp.alias_(call(FIELDS, call("google__offsets", array)), counted, quoted=True))
    parent = unnest.parent
    if (
        isinstance(parent, exp.Join)
        and parent.side
        and not (parent.args.get("on") or parent.args.get("using"))
    ):
        parent.set("on", exp.true())
    table = quoted(name) if name else None
    unnest.replace(exp.Select(expressions=columns).subquery(table))


def _fields(array: exp.Expression) -> exp.Expression:
    fields = call(FIELDS, array)
    fields.append("expressions", exp.Kwarg(this=exp.var("max_depth"), expression=exp.Literal.number(2)))
    return fields


def _is_whole(unnest: exp.Unnest, names: set[str]) -> bool:
    """Tell whether no field of an element can be meant, which saves to look for them."""
    select = unnest.find_ancestor(exp.Select)
    if select is None or any(one.is_star for one in select.expressions):
        return False
    columns = (one for one in select.find_all(exp.Column) if one.find_ancestor(exp.Unnest) is not unnest)
    return all(column.table not in names if column.table else column.name in names for column in columns)


def _apart(unnest: exp.Unnest, name: str, offset: str) -> bool:
    """Keep the offset out of the element, and the element as a whole out of `*`; tells whether it is used."""
    select = unnest.find_ancestor(exp.Select)
    if select is None:
        return False
    used = False
    for column in list(select.find_all(exp.Column)):
        if column.name == name and not column.table and _scope(column, name) is select:
            whole = exp.column(quoted(_WHOLE.format(name)), table=quoted(name))
            column.replace(exp.alias_(whole, name, quoted=True) if column.parent is select else whole)
            used = True
    for star in [one for one in select.expressions if one.is_star]:
        of_element = isinstance(star, exp.Column) and star.table == name
        hidden = [_WHOLE.format(name)] if used and (of_element or not isinstance(star, exp.Column)) else []
        hidden += [offset] if of_element and offset else []
        inner: Any = star.this if isinstance(star, exp.Column) else star
        if hidden:
            inner.set("except_", [*(inner.args.get("except_") or ()), *map(quoted, hidden)])
    return used


def _scope(column: exp.Expr, name: str) -> exp.Expr | None:
    """Give the innermost SELECT around a column that has this name in its FROM."""
    select = column.find_ancestor(exp.Select)
    while select is not None:
        from_ = select.args.get("from_")
        sources = [*([from_] if from_ is not None else []), *(select.args.get("joins") or ())]
        if any(name in (source.this.alias, *source.this.alias_column_names) for source in sources):
            return select
        select = select.find_ancestor(exp.Select)
    return None
