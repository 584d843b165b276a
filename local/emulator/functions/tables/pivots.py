"""PIVOT as a GROUP BY of all other columns, UNPIVOT as an UNNEST: columns are named and typed as in BigQuery.

DuckDB averages a NUMERIC as a DOUBLE, names columns in its own way, and has UNPIVOT's names, as texts, first.
Source: https://cloud.google.com/bigquery/docs/reference/standard-sql/query-syntax#pivot_operator
"""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from local.emulator.functions.macros import quoted

_SOURCE, _ROWS = "google__source", "google__rows"
# What lies around the argument of an aggregate.
_AROUND = (exp.Distinct, exp.HavingMax, exp.IgnoreNulls, exp.Limit, exp.Order, exp.RespectNulls)


def rewritten(statement: exp.Expr) -> bool:
    """Write each PIVOT and UNPIVOT out; tells whether there is one."""
    found = False
    for pivot in list(statement.find_all(exp.Pivot)):
        source = pivot.parent
        if isinstance(source, exp.Table | exp.Subquery) and source.args["pivots"] == [pivot]:
            written = _unpivoted(pivot, source) if pivot.args.get("unpivot") else _grouped(pivot, source)
            if written is not None:
                source.replace(written)
                found = True
    return found


def _unpivoted(pivot: exp.Pivot, source: exp.Table | exp.Subquery) -> exp.Subquery:
    """Give a row for each value, whose name comes behind it and has its own type."""
    [field] = pivot.args["fields"]
    names = [one.name for one in _several(pivot.expressions[0])]
    plain = source.copy()
    plain.set("pivots", None)
    of = plain.alias_or_name or _SOURCE
    plain.set("alias", exp.TableAlias(this=quoted(of)))
    rows, used = [], []
    for value in field.expressions:
        columns = _several(value.this if _is_named(value) else value)
        label = value.args["alias"] if _is_named(value) else "_".join(one.name for one in columns)
        cells: list[exp.Expr] = [exp.column(one.name, table=of, quoted=True) for one in columns]
        cells.append(label.copy() if isinstance(label, exp.Expr) else exp.Literal.string(label))
        named = zip([*names, field.this.name], cells, strict=True)
        rows.append(
            exp.Struct(expressions=[exp.PropertyEQ(this=quoted(name), expression=one) for name, one in named])
        )
        used += [one.name for one in columns]
    array = exp.Unnest(
        expressions=[exp.Array(expressions=rows)], alias=exp.TableAlias(columns=[quoted(_ROWS)])
    )
    others = exp.Column(this=exp.Star(except_=list(map(quoted, used))), table=quoted(of))
    select = exp.Select(expressions=[others, exp.Column(this=exp.Star(), table=quoted(_ROWS))])
    select = select.from_(plain).join(array, join_type="CROSS")
    if not pivot.args.get("include_nulls"):
        there = [exp.column(name, table=_ROWS, quoted=True).is_(exp.null()).not_() for name in names]
        select = select.where(exp.or_(*there))
    alias = pivot.args.get("alias") or source.args.get("alias")
    return exp.Subquery(this=select, alias=alias.copy() if alias is not None else None)


def _several(node: exp.Expr) -> list[exp.Expr]:
    return list(node.expressions) if isinstance(node, exp.Tuple) else [node]


def _grouped(pivot: exp.Pivot, source: exp.Table | exp.Subquery) -> exp.Subquery | None:
    fields = pivot.args.get("fields") or []
    if len(fields) != 1 or not isinstance(fields[0], exp.In) or not fields[0].expressions:
        return None
    pivoted, columns = fields[0].this, []
    for value in fields[0].expressions:
        for aggregate in pivot.expressions:
            of_value = _of(aggregate.unalias().copy(), pivoted, value.this if _is_named(value) else value)
            if of_value is None:
                return None
            columns.append(exp.alias_(of_value, _name(aggregate.alias, value), quoted=True))
    used = [column for part in (pivoted, *pivot.expressions) for column in part.find_all(exp.Column)]
    names = dict.fromkeys(column.name for column in used)
    others = exp.Star(except_=list(map(quoted, names)))
    plain = source.copy()
    plain.set("pivots", None)
    grouped = exp.Select(expressions=[others, *columns]).from_(plain)
    grouped.set("group", exp.Group(all=True))
    alias = pivot.args.get("alias") or source.args.get("alias")
    return exp.Subquery(this=grouped, alias=alias.copy() if alias is not None else None)


def _of(aggregate: Any, pivoted: exp.Expr, value: exp.Expr) -> Any:
    """Give an aggregate of the rows that have this value, by what it is given of the others: NULL."""
    function = aggregate.this if isinstance(aggregate, exp.IgnoreNulls) else aggregate
    if not isinstance(function, exp.AggFunc):
        return None
    is_value: exp.Expr = exp.NullSafeEQ(this=pivoted.copy(), expression=value.copy())
    if isinstance(function, exp.Count) and isinstance(function.this, exp.Star):
        return exp.CountIf(this=is_value)
    argument = function.this
    while isinstance(argument, _AROUND):
        argument = argument.expressions[0] if isinstance(argument, exp.Distinct) else argument.this
    argument.replace(exp.If(this=is_value, true=argument.copy(), false=exp.null()))
    return aggregate


def _is_named(value: exp.Expr) -> bool:
    return isinstance(value, exp.PivotAlias | exp.Alias)


def _name(aggregate: str, value: exp.Expr) -> str:
    """Give a column's name: of the value, behind that of the aggregate where it has one."""
    of_value = value.alias if _is_named(value) else _written(value)
    if aggregate:
        return f"{aggregate}_{of_value}"
    return f"_{of_value}" if of_value[:1].isdigit() else of_value


def _written(value: Any) -> str:
    if isinstance(value, exp.Neg):
        return f"minus_{_written(value.this)}"
    if isinstance(value, exp.Boolean):
        return str(value.this).lower()
    if isinstance(value, exp.Literal) and value.is_string:
        return str(value.name)
    if isinstance(value, exp.Cast):
        return str(value.this.name).replace("-", "_").replace(".", "_point_")
    return "NULL" if isinstance(value, exp.Null) else str(value.name).replace(".", "_point_")
