"""Types that do not go together are refused, where DuckDB would convert one of them without a word.

DuckDB knows each type when it binds a statement, and TYPEOF is a constant then: the check costs no row
anything, and its words are the name of a field that is not there. Literals are taken for what they can be.
Source: https://cloud.google.com/bigquery/docs/reference/standard-sql/conversion_rules
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlglot import exp

from local.emulator.functions.macros import call, macro

if TYPE_CHECKING:
    from collections.abc import Iterator

_OPERATORS: dict[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "!=",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_CLAUSES: dict[type[exp.Expr], str] = {
    exp.Where: "WHERE",
    exp.Having: "HAVING",
    exp.Qualify: "QUALIFY",
    exp.And: "AND",
    exp.Or: "OR",
    exp.Not: "NOT",
}
# What a STRING literal is not taken for.
_NO_TEXT = "('number', 'BOOLEAN[]', 'BLOB[]')"
KNOWN = (
    "('number', 'day', 'BOOLEAN[]', 'BLOB[]', 'VARCHAR[]', 'TIME[]', 'TIMESTAMP WITH TIME ZONE[]', "
    "'INTERVAL[]')"
)
_LARGEST = 25  # nodes of an operand that is looked at
# Whose type is known without a look.
_COUNTED = (exp.Count, exp.RowNumber, exp.Rank, exp.DenseRank)
_NOT_LOOKED_INTO = (
    exp.Query,
    exp.Placeholder,
    exp.Lambda,
    exp.Struct,
    exp.Tuple,
    exp.Predicate,
    exp.Star,
)


def macros() -> list[str]:
    """Write the macros; ``t`` and ``u`` are types of lists, since of NULL alone there is none."""
    family = (
        "CASE WHEN t LIKE '%[][]' THEN t "
        "WHEN t LIKE '%INT[]' OR t LIKE 'DECIMAL(%' THEN 'number' "
        "WHEN t IN ('INTEGER[]', 'DOUBLE[]', 'FLOAT[]') THEN 'number' "
        "WHEN t IN ('DATE[]', 'TIMESTAMP[]') THEN 'day' ELSE t END"
    )
    agree = (
        f"google__family(t) = google__family(u) OR google__family(t) NOT IN {KNOWN} "
        f"OR google__family(u) NOT IN {KNOWN}"
    )
    both = "[typeof([px]), typeof([py])]"
    words = "'no signature ' || name || ' of ' || p[1] || ' and ' || p[2]"
    same = where(both, "google__agree(p[1], p[2])", words)
    of_text = f"google__family(p[1]) NOT IN {_NO_TEXT}"
    text = where("[typeof([px]), 'VARCHAR[]']", of_text, words)
    is_bool = where(
        "[typeof([px]), '']",
        f"p[1] = 'BOOLEAN[]' OR google__family(p[1]) NOT IN {KNOWN}",
        "'no condition ' || name || ' of ' || p[1]",
    )
    return [
        macro("google__family", {"t": family}),
        macro("google__agree", {"t, u": agree}),
        macro("google__same", {"x, px, py, name": f"CASE WHEN {same} THEN x END"}),
        macro("google__same_text", {"x, px, name": f"CASE WHEN {text} THEN x END"}),
        macro("google__condition", {"x, px, name": f"CASE WHEN {is_bool} THEN x END"}),
    ]


def where(types: str, test: str, words: str) -> str:
    """Write what is TRUE where a list ``p`` of types passes a test, and has these words else."""
    chosen = f"list_transform([{types}], lambda p: CASE WHEN {test} THEN 'ok' ELSE {words} END)[1]"
    return f"struct_extract({{'ok': true}}, {chosen})"


def check(statement: exp.Expr) -> bool:
    """Put the checks into a statement; tells whether there are any."""
    found = False
    for node in list(statement.walk()):
        for operand, others, name in _agreeing(node):
            found |= _checked(operand, others, name)
        for condition, name in _conditions(node):
            found |= _is_condition(condition, name)
        found |= isinstance(node, exp.Select) and _joined(node)
    return found


def _agreeing(node: Any) -> Iterator[tuple[exp.Expr, list[exp.Expr], str]]:
    """Give what has to be of types that go together: one value, and the others."""
    kind = type(node)
    if kind in _OPERATORS and not is_assignment(node):
        yield node.this, [node.expression], _OPERATORS[kind]
    elif kind is exp.EQ and isinstance(node.parent, exp.Update) and isinstance(node.this, exp.Column):
        changed = node.find_ancestor(exp.Merge) or node.parent
        column = exp.column(node.this.name, table=changed.this.alias_or_name, quoted=True)
        yield node.expression, [column], f"SET.{node.this.name}"
    elif kind is exp.Between:
        yield node.this, [node.args["low"], node.args["high"]], "BETWEEN"
    elif kind is exp.In and not isinstance(node.parent, exp.Pivot):
        yield node.this, _members(node), "IN"
    elif kind is exp.Nullif:
        yield node.this, [node.expression], "NULLIF"
    elif kind in (exp.Coalesce, exp.Greatest, exp.Least):
        yield node.this, node.expressions, kind.__name__.upper()
    elif kind is exp.If and not isinstance(node.parent, exp.Case):
        yield node.args["true"], [node.args.get("false") or exp.Null()], "IF"
    elif kind is exp.Case:
        yield from _cases(node)


def _cases(case: exp.Case) -> Iterator[tuple[exp.Expr, list[exp.Expr], str]]:
    """Give the values of a CASE, and what it compares."""
    first, *values = _values(case)
    yield first, values, "CASE"
    if case.this is not None:
        yield case.this, [one.this for one in case.args["ifs"]], "CASE_WHEN"


def _members(node: exp.In) -> list[exp.Expr]:
    """Give where a value is looked for; a subquery is not looked into."""
    unnested, query = node.args.get("unnest"), node.args.get("query")
    if unnested is not None and len(unnested.expressions) == 1:
        [array] = unnested.expressions
        if isinstance(array, exp.Array):
            return list(array.expressions)
        return [exp.Bracket(this=array.copy(), expressions=[exp.Literal.number(0)], offset=0, safe=True)]
    return list(node.expressions) if query is None else []


def is_assignment(node: exp.Expr) -> bool:
    """Tell whether an = gives a column or an option its value."""
    return isinstance(node.parent, exp.SetItem | exp.Property) or (
        isinstance(node.parent, exp.Update) and node.arg_key == "expressions"
    )


def _conditions(node: exp.Expr) -> Iterator[tuple[exp.Expr, str]]:
    """Give what has to be a BOOL."""
    name = _CLAUSES.get(type(node))
    if name is not None:
        yield from ((one, name) for one in (node.this, node.args.get("expression")) if one is not None)
    elif isinstance(node, exp.If):
        case = node.parent
        if not isinstance(case, exp.Case):
            yield node.this, "IF"
        elif case.this is None:
            yield node.this, "CASE"
    elif isinstance(node, exp.Join | exp.Merge) and node.args.get("on") is not None:
        yield node.args["on"], "ON"


def _joined(select: exp.Select) -> bool:
    """Check the columns that the first join's USING names, beside the rows that WHERE lets pass."""
    joins, from_ = select.args.get("joins"), select.args.get("from_")
    if not joins or from_ is None:
        return False
    sides = from_.this.alias_or_name, joins[0].this.alias_or_name
    if not all(sides):
        return False
    for column in joins[0].args.get("using") or ():
        probes = (exp.column(column.name, table=side, quoted=True) for side in sides)
        select.where(call("google__same", exp.true(), *probes, "USING"), copy=False)
    return bool(joins[0].args.get("using"))


def _checked(operand: exp.Expr, others: list[exp.Expr], name: str) -> bool:
    values = [operand, *others]
    probes = list(dict.fromkeys(filter(None, map(probe_of, values))))
    if not probes:
        return False
    first = probes[0]
    checks = [
        call("google__same", first, other, name)
        for other in probes[1:]
        if not (_is_number(first) and _is_number(other))
    ]
    if any(map(_is_text, values)):
        checks.append(call("google__same_text", first, name.replace("SET.", "TEXT.")))
    put_around(operand, checks)
    return bool(checks)


def _is_condition(condition: exp.Expr, name: str) -> bool:
    bare = condition.unnest()
    if isinstance(bare, exp.Predicate | exp.Connector | exp.Not | exp.Boolean | exp.Null):
        return False
    probe = probe_of(bare)
    if probe is not None:
        put_around(condition, [call("google__condition", probe, name)])
    return probe is not None


def put_around(operand: exp.Expr, checks: list[exp.Anonymous]) -> None:
    """Make an operand the first argument of each check; it is the same node within."""
    place = exp.Null()
    operand.replace(place)
    for check in checks:
        check.set("expressions", [operand, *check.expressions])
        operand = check
    place.replace(operand)


def _is_text(node: exp.Expr) -> bool:
    node = node.unnest()
    return isinstance(node, exp.Literal) and node.is_string


def _is_number(node: exp.Expr) -> bool:
    return isinstance(node, exp.Literal) and not node.is_string


def probe_of(node: Any) -> exp.Expression | None:
    """Give what has the type of an operand, and is small; None where it is not looked at."""
    node = node.unnest()
    if isinstance(node, exp.Neg) and _is_number(node.this):
        node = node.this
    if isinstance(node, exp.Null) or _is_text(node):
        return None
    if isinstance(node, _COUNTED) or (isinstance(node, exp.Window) and isinstance(node.this, _COUNTED)):
        return exp.Literal.number(0)
    if isinstance(node, exp.Case | exp.If | exp.Coalesce):
        return next((probe for value in _values(node) if (probe := probe_of(value)) is not None), None)
    nodes = list(node.walk())
    if len(nodes) > _LARGEST or any(isinstance(one, _NOT_LOOKED_INTO) for one in nodes):
        return None
    small: exp.Expression = node.copy()
    return small


def _values(node: Any) -> list[exp.Expr]:
    if isinstance(node, exp.Coalesce):
        return [node.this, *node.expressions]
    ifs = [node] if isinstance(node, exp.If) else node.args["ifs"]
    last = node.args.get("false" if isinstance(node, exp.If) else "default")
    return [*(one.args["true"] for one in ifs), *([last] if last is not None else [])]
