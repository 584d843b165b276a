"""ALTER … SET OPTIONS, and other statements that sqlglot does not read but their meaning is plain."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import sqlglot
from sqlglot import exp

from local.google.sql.rewrite.actions import Describe, Rename
from local.google.sql.rewrite.ddl import fields_of

if TYPE_CHECKING:
    from local.google.sql.rewrite.ddl import Context

_NOTHING = "SELECT 1 AS done LIMIT 0"
_ALTER_VIEW = re.compile(r"\s*alter\s+materialized\s+view\s+", re.IGNORECASE)
_REFRESH = re.compile(r"\s*call\s+bq\s*\.\s*refresh_materialized_view\s*\(", re.IGNORECASE)


def of_alter(statement: exp.Alter, context: Context) -> str | None:
    """Note the options of an ALTER, and a new name; None where it has no options."""
    renamed, renaming = context.ref(statement.this), statement.find(exp.AlterRename)
    if renamed is not None and renaming is not None:
        context.actions.append(Rename(renamed, renaming.this.name))
    settings = [action for action in statement.args.get("actions") or [] if isinstance(action, exp.AlterSet)]
    if not settings:
        return None
    table = context.ref(statement.this)
    found = [prop for action in settings for prop in action.find_all(exp.Property)]
    if table is not None:
        context.actions.append(Describe(table, fields_of(list(found))))
    return _NOTHING


def of_text(text: str, context: Context) -> str | None:
    """Deal with a statement that sqlglot leaves as text; None for another one."""
    if _ALTER_VIEW.match(text):
        statement = sqlglot.parse_one(_ALTER_VIEW.sub("ALTER TABLE ", text, count=1), read="bigquery")
        return of_alter(statement, context) if isinstance(statement, exp.Alter) else None
    # Here it is always fresh.
    return _NOTHING if _REFRESH.match(text) else None
