"""What to find where in sqlglot's tree of a BigQuery statement."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlglot import exp

from local.google.sql.names import without_strings

if TYPE_CHECKING:
    from collections.abc import Iterator

# Everything else is taken to change anything: the emulator's engine knows statements that BigQuery does not.
_READ_HERE = (
    exp.Query,
    exp.Condition,  # an ASSERT
    exp.Create,
    exp.Drop,
    exp.Alter,
    exp.Insert,
    exp.Update,
    exp.Delete,
    exp.Merge,
    exp.TruncateTable,
    exp.LoadData,
    exp.Export,
    exp.Declare,
    exp.Set,
    exp.Transaction,
    exp.Commit,
    exp.Rollback,
    exp.ForIn,
    exp.EndStatement,
)
_CHANGES = (
    exp.Create,
    exp.Drop,
    exp.Alter,
    exp.Insert,
    exp.Update,
    exp.Delete,
    exp.Merge,
    exp.Into,
    exp.Copy,
)
_FIRST_WORD = re.compile(
    "alter|assert|begin|break|case|commit|continue|create|declare|delete|drop|else|elseif|end|exception|export"
    "|for|from|if|insert|iterate|leave|load|loop|merge|raise|repeat|return|rollback|select|set|truncate"
    "|undrop|until|update|while|with"
)
_TABLE_FUNCTIONS = frozenset({"appends", "changes", "gap_fill", "range_sessionize", "vector_search"})


class TargetUnknownError(Exception):
    """A statement changes something, and its tree does not say what."""


def is_read(statement: exp.Expr) -> bool:
    """Tell whether all that a statement changes can be told from its tree."""
    return isinstance(statement, _READ_HERE) and not any(
        node is not statement and not isinstance(node.parent, exp.When | exp.Alter)
        for node in statement.find_all(*_CHANGES)
    )


def is_script(sql: str) -> bool:
    """Tell whether text that could not be read holds BigQuery's own statements only, by their first words."""
    words = [statement.split(None, 1)[:1] for statement in without_strings(sql).split(";")]
    return all(_FIRST_WORD.fullmatch(word[0].lower().strip("()")) for word in words if word)


def is_table_function(table: exp.Table) -> bool:
    """Tell whether FROM names a function without a dataset."""
    return isinstance(table.this, exp.Func) and len(parts_of(table)) < 2


def is_known_function(table: exp.Table) -> bool:
    """Tell whether a table function is BigQuery's: the engine has others, that read what they like."""
    return table.this.name.lower() in _TABLE_FUNCTIONS or table.db.lower() in ("ml", "ai")


def targets_of(statement: exp.Expr) -> list[exp.Table]:
    """Give what a statement changes. Raises TargetUnknownError rather than let a change go unseen."""
    named = statement.args.get("tables") or [statement.this]
    if isinstance(statement, exp.TruncateTable):
        named = statement.expressions
    targets = []
    for target in named:
        while isinstance(target, exp.Schema | exp.UserDefinedFunction):
            target = target.this  # noqa: PLW2901  what it wraps is what is named
        if not isinstance(target, exp.Table) or not parts_of(target):
            raise TargetUnknownError
        targets.append(target)
    if not targets:
        raise TargetUnknownError
    return targets


def parts_of(table: exp.Table) -> list[str]:
    """Split a name into its parts; inside backticks there may be several."""
    return [part for piece in table.parts for part in piece.name.split(".") if part]


def metadata_dataset(parts: list[str]) -> list[str] | None:
    """Give what stands before INFORMATION_SCHEMA or __TABLES__; None where it is neither."""
    upper = [part.upper() for part in parts]
    if "INFORMATION_SCHEMA" in upper:
        return parts[: upper.index("INFORMATION_SCHEMA")]
    if upper and upper[-1] in ("__TABLES__", "__TABLES_SUMMARY__"):
        return parts[:-1]
    return None


def compared_with(root: exp.Expr, column: str) -> set[str]:
    """Give the strings that a column has to be equal to."""
    found = set()
    for equality in root.find_all(exp.EQ):
        sides = (equality.this, equality.expression), (equality.expression, equality.this)
        for one, other in sides:
            if isinstance(one, exp.Column) and one.name.lower() == column and isinstance(other, exp.Literal):
                found.add(other.name)
    return found


def is_temporary(statement: exp.Create) -> bool:
    """Tell whether a CREATE makes something that lasts as long as its script."""
    properties = statement.args.get("properties")
    return properties is not None and properties.find(exp.TemporaryProperty) is not None


def is_cte(table: exp.Table) -> bool:
    """Tell whether a name without dots is one that a WITH around it gives."""
    if len(parts_of(table)) != 1:
        return False
    name = table.name.lower()
    inside: exp.Expr | None = None
    node: exp.Expr | None = table
    while node is not None:
        with_ = node.args.get("with_")
        if with_ is not None and name in _visible(with_, inside):
            return True
        if isinstance(node, exp.CTE):
            inside = node
        node = node.parent
    return False


def _visible(with_: exp.With, inside: exp.Expr | None) -> Iterator[str]:
    """Name the WITH's tables that can be seen: inside one of them, only those before it."""
    for cte in with_.expressions:
        if cte is inside and not with_.recursive:
            return
        yield cte.alias.lower()


def dotted_name(call: exp.Dot) -> list[str]:
    """Give the parts of a dotted name."""
    parts: list[str] = []
    for piece in call.flatten():
        if isinstance(piece, exp.Column):
            parts += [part for name in piece.parts for part in name.name.split(".")]
        else:
            parts += piece.name.split(".")
    return parts
