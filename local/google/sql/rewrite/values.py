"""What means something else to the emulator: a STRUCT's names, digits of a type in a CAST, @@project_id."""

from __future__ import annotations

from sqlglot import exp

# Through these a STRUCT's fields reach a result by their names. Where it is compared, or one of several in a
# CASE, they don't count, and the emulator would want them to be the same.
_KEPT_BY = (
    exp.Alias,
    exp.ArrayAgg,
    exp.Bracket,
    exp.Distinct,
    exp.Dot,
    exp.IgnoreNulls,
    exp.JSONFormat,
    exp.Limit,
    exp.Order,
    exp.PropertyEQ,
    exp.Struct,
)


def rewritten(statement: exp.Expr, project: str, dataset: str | None) -> None:
    """Write them out, and system variables; ``dataset`` is that of names without one."""
    if not isinstance(statement, exp.Set):
        for variable in list(statement.find_all(exp.Parameter)):
            _known(variable, {"project_id": project, "dataset_id": dataset, "time_zone": "UTC"})
    for struct in list(statement.find_all(exp.Struct)):
        _named(struct)
    for cast in list(statement.find_all(exp.Cast, exp.TryCast)):
        _limited(cast)


def _known(variable: exp.Parameter, values: dict[str, str | None]) -> None:
    inner = variable.this
    name = inner.name.lower() if isinstance(inner, exp.Parameter) else ""
    if name in values:
        value = values[name]
        variable.replace(exp.Literal.string(value) if value is not None else exp.cast("NULL", "STRING"))


def _named(struct: exp.Struct) -> None:
    """Name the fields that are columns: STRUCT(x) has a field x."""
    names = [one.name.lower() for one in struct.expressions]
    if len(names) != len(set(names)) or not _reaches_the_result(struct):
        return
    for one in struct.expressions:
        if isinstance(one, exp.Column) and not isinstance(one.this, exp.Star):
            name = exp.to_identifier(one.name, quoted=True)
            one.replace(exp.PropertyEQ(this=name, expression=one.copy()))


def _reaches_the_result(struct: exp.Expr) -> bool:
    parent = struct.parent
    while isinstance(parent, _KEPT_BY):
        parent = parent.parent
    if not isinstance(parent, exp.Select):
        return False
    around = parent.parent.parent if isinstance(parent.parent, exp.Subquery) else parent.parent
    return not isinstance(around, exp.In | exp.Binary)


_LIMITED = {
    exp.DType.DECIMAL: "numeric",
    exp.DType.BIGDECIMAL: "bignumeric",
    exp.DType.TEXT: "string",
    exp.DType.BINARY: "bytes",
}


def _limited(cast: exp.Cast) -> None:
    """Round to the digits of a type, and refuse what is longer: sqlglot drops what is in the parentheses.

    The functions are the emulator's own, in local/emulator/functions/casts.py.
    """
    kind = _LIMITED.get(cast.to.this)
    if kind is None or not cast.to.expressions:
        return
    sizes = [one.copy() for one in cast.to.expressions]
    if len(sizes) == 1 and kind.endswith("numeric"):
        sizes.append(exp.Literal.number(0))
    plain = cast.copy()
    plain.to.set("expressions", None)
    tried = "try_" if isinstance(cast, exp.TryCast) else ""
    cast.replace(exp.Anonymous(this=f"google__{tried}fit_{kind}", expressions=[plain, *sizes]))
