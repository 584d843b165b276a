"""Patch: ALTER TABLE … ADD, DROP and RENAME COLUMN are seen in tables.get, descriptions stay.

bqemulator 1.4.0 looks at a table's columns where it is created only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlglot
from bqemulator.catalog import ddl_sync
from bqemulator.jobs import executor
from bqemulator.scripting import interpreter
from sqlglot import exp
from sqlglot.errors import SqlglotError

if TYPE_CHECKING:
    from bqemulator.api.dependencies import AppContext


def patch() -> None:
    """Look again after an ALTER."""
    created = ddl_sync.sync_created_table

    def sync(bq_sql: str, project_id: str, ctx: AppContext) -> None:
        created(bq_sql, project_id, ctx)
        _altered(bq_sql, project_id, ctx)

    executor.sync_created_table = sync
    interpreter.sync_created_table = sync


def _altered(bq_sql: str, project_id: str, ctx: AppContext) -> None:
    if "alter" not in bq_sql.lower():
        return
    try:
        statement = sqlglot.parse_one(bq_sql, read="bigquery")
    except SqlglotError:
        return
    if not isinstance(statement, exp.Alter) or not isinstance(statement.this, exp.Table):
        return
    name = ddl_sync._split_target(statement.this, project_id)
    known = ctx.catalog.get_table(*name) if all(name) else None
    if known is None:
        return
    before = {field.name: field for field in known.schema_.fields}
    found = ddl_sync._introspect_schema(*name, ctx)
    fields = tuple(before.get(field.name, field) for field in found.fields)
    ctx.catalog.update_table(
        known.model_copy(update={"schema_": found.model_copy(update={"fields": fields})})
    )
