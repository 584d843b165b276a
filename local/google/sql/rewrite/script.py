"""A script, statement by statement: what can be read is rewritten, what can't be stays as it is."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from local.google import errors
from local.google.sql import functions_made
from local.google.sql.names import find_names, statements, without_leading_comments, without_strings
from local.google.sql.rewrite import columns, create, ddl, grants, options, value_tables, values
from local.google.sql.rewrite.literals import plain

if TYPE_CHECKING:
    from local.google.sql.rewrite.actions import Action

_READ = (
    exp.Query,
    exp.Create,
    exp.Drop,
    exp.Alter,
    exp.Insert,
    exp.Update,
    exp.Delete,
    exp.Merge,
    exp.Set,
    exp.Grant,
    exp.Revoke,
)
# sqlglot reads it as a cast to TIMESTAMP.
_TIMES_FORMAT = re.compile(r"\bas\s+(?:datetime|time)\s+format\b", re.IGNORECASE)
_METADATA = re.compile(r"\binformation_schema\b", re.IGNORECASE)
_CREATED = ("TABLE", "VIEW", "SCHEMA")


@dataclass
class Rewritten:
    """What is sent to the emulator, and what the gateway does once that has succeeded."""

    sql: str
    actions: list[Action] = field(default_factory=list)


def rewrite(sql: str, project: str, default: tuple[str, str] | None = None, location: str = "") -> Rewritten:
    """Rewrite a script. ``default`` is the (project, dataset) of names that have none.

    Raises Google's 400 where two columns have one name.
    """
    text = _without_safe_net(plain(sql))
    if "format" in text.lower() and _TIMES_FORMAT.search(without_strings(text)):
        raise errors.invalid_query(
            "the local BigQuery can't do CAST to DATETIME or TIME with FORMAT; Google can"
        )
    pieces = statements(text)
    written, actions = [], []
    for piece in pieces:
        context = ddl.Context(project, default, location)
        piece = functions_made.readable(piece)  # noqa: PLW2901
        written.append(_statement(piece, context))
        actions += context.actions
    return Rewritten(";\n".join(written) if pieces else sql, actions)


def _without_safe_net(text: str) -> str:
    """Write SAFE.NET.f(), which sqlglot does not read, as what does the same."""
    # To look for names takes longer than all else here, and nearly no statement has this one.
    if not all(word in text.lower() for word in ("safe", "net")):
        return text
    for name in reversed(find_names(text)):
        if [part.lower() for part in name.parts[:2]] != ["safe", "net"]:
            continue
        function = name.parts[-1].lower()
        if function not in ("host", "ip_from_string"):
            raise errors.invalid_query(f"the local BigQuery can't do SAFE.NET.{function.upper()}; Google can")
        plainly = "net.host" if function == "host" else "net.safe_ip_from_string"
        text = f"{text[: name.start]}{plainly}{text[name.end :]}"
    return text


def _statement(text: str, context: ddl.Context) -> str:
    if _METADATA.search(text):
        # The emulator finds these views by their text.
        return text
    try:
        [statement] = [found for found in sqlglot.parse(text, read="bigquery") if found is not None]
    except (SqlglotError, RecursionError, ValueError):
        return text
    if isinstance(statement, exp.Command):
        replaced = options.of_text(without_leading_comments(text), context)
        return text if replaced is None else replaced
    if not isinstance(statement, _READ):
        return text
    if isinstance(statement, exp.Create) and str(statement.args.get("kind")).upper() not in _CREATED:
        return text
    return _done_here(statement, text, context) or _readable(statement, context)


def _done_here(statement: exp.Expr, text: str, context: ddl.Context) -> str | None:
    """Give what is sent in place of a statement that the gateway does itself; None for another one."""
    if isinstance(statement, exp.Grant | exp.Revoke):
        return grants.done(without_leading_comments(text), context)
    return options.of_alter(statement, context) if isinstance(statement, exp.Alter) else None


def _readable(statement: exp.Expr, context: ddl.Context) -> str:
    statement = value_tables.rewritten(statement)
    _of_its_kind(statement, context)
    for part in (part for table in statement.find_all(exp.Table) for part in table.parts):
        if "-" in part.name and isinstance(part, exp.Identifier):
            part.args["quoted"] = True
    for call in list(statement.find_all(exp.Dot)):
        _one_name(call)
    values.rewritten(statement, context.project, context.default[1] if context.default else None)
    return statement.sql(dialect="bigquery")


def _of_its_kind(statement: exp.Expr, context: ddl.Context) -> None:
    query = statement.expression if isinstance(statement, exp.Create) else statement
    if isinstance(query, exp.Query):
        columns.require_distinct(query)
    if isinstance(statement, exp.Update | exp.Delete):
        ddl.changed(statement)
    elif isinstance(statement, exp.Drop):
        ddl.dropped(statement)
    elif isinstance(statement, exp.Create):
        columns.require_names(statement)
        columns.name_fields(statement.expression)
        create.rewritten(statement, context)
    elif isinstance(statement, exp.Set):
        # A row's values go to the variables: the emulator wants them as columns.
        for select in statement.find_all(exp.Select):
            select.set("kind", None)
    elif isinstance(statement, exp.Query):
        columns.name_all(statement)


def _one_name(call: exp.Dot) -> None:
    """Write `p`.`d`.`f`(x) as `p.d.f`(x): only so the emulator knows a function by its whole name."""
    function = call.expression
    if isinstance(function, exp.Anonymous) and isinstance(call.this, exp.Dot):
        names = [part.name for part in (*call.this.flatten(), function)]
        function.set("this", exp.to_identifier(".".join(names), quoted=True))
        call.replace(function)
