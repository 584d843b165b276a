"""SELECT AS STRUCT and AS VALUE where rows are wanted: the fields of a struct are columns there.

Source: https://cloud.google.com/bigquery/docs/reference/standard-sql/query-syntax#value_tables
"""

from __future__ import annotations

from sqlglot import exp

_NO_NAME = "f0_"
_VALUE = "google__value"
# What picks one of several rows, or holds them.
_AROUND = (
    exp.AnyValue,
    exp.ArgMax,
    exp.ArgMin,
    exp.ArrayAgg,
    exp.Bracket,
    exp.Distinct,
    exp.HavingMax,
    exp.IgnoreNulls,
    exp.Limit,
    exp.Order,
    exp.Paren,
)


def rewritten(statement: exp.Expr) -> exp.Expr:
    """Give the statement with its value tables as tables with columns."""
    for select in list(statement.find_all(exp.Select)):
        kind = select.args.get("kind")
        place = _place(select) if kind else None
        if place is None:
            continue
        select.set("kind", None)
        if kind == "VALUE":
            value = select.expressions[0].unalias()
            if isinstance(value, exp.Struct):
                select.set("expressions", [_column(field) for field in value.expressions])
            elif _is_row(value, select):
                select.set("expressions", [exp.alias_(value.copy(), _VALUE)])
                fields = exp.Column(this=exp.Star(), table=exp.to_identifier(_VALUE))
                whole = exp.Select(expressions=[fields]).from_(select.copy().subquery("value_"))
                if select is statement:
                    statement = whole
                else:
                    select.replace(whole)
            else:
                name = place.alias if isinstance(place, exp.CTE | exp.Subquery) else ""
                select.set("expressions", [exp.alias_(value.copy(), name or _NO_NAME, quoted=True)])
    return statement


def _place(select: exp.Select) -> exp.Expr | None:
    """Give what holds a SELECT whose rows are those of a table; None where they are values."""
    node: exp.Expr = select
    while isinstance(node.parent, exp.SetOperation):
        node = node.parent
    parent = node.parent
    if isinstance(parent, exp.Subquery):
        above = parent.parent
        if above is None or isinstance(above, exp.From | exp.Join | exp.SetOperation):
            return parent
        return None
    if parent is None:
        return node
    return parent if isinstance(parent, exp.CTE | exp.Create | exp.Insert) else None


def _column(field: exp.Expr) -> exp.Expr:
    if isinstance(field, exp.PropertyEQ):
        return exp.alias_(field.expression.copy(), field.this.name, quoted=True)
    return field.copy()


def _is_row(value: exp.Expr, select: exp.Select) -> bool:
    """Tell whether a value is a row of what the SELECT is from, as can be seen."""
    while isinstance(value, _AROUND):
        value = value.expressions[0] if isinstance(value, exp.Distinct) else value.this
    from_ = select.args.get("from_")
    sources = [*([from_] if from_ is not None else []), *(select.args.get("joins") or ())]
    names = {
        source.this.alias_or_name for source in sources if isinstance(source.this, exp.Table | exp.Subquery)
    }
    return isinstance(value, exp.Column) and not value.table and value.name in names
