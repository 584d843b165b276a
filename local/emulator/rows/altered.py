"""Patch: what INSERT, UPDATE, DELETE, MERGE and ALTER TABLE change is seen in tables.get; descriptions stay.

bqemulator 1.4.0 looks at a table's columns and rows where it is created or loaded only. DuckDB does one
change in a statement. A field is added to a STRUCT as a column with dots in its name, in backticks.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import duckdb
import sqlglot
from bqemulator.catalog import ddl_sync
from bqemulator.jobs import executor
from bqemulator.scripting import interpreter
from bqemulator.storage.engine import DuckDBEngine
from sqlglot import exp
from sqlglot.errors import SqlglotError

if TYPE_CHECKING:
    from bqemulator.api.dependencies import AppContext


_DML = re.compile(r"\b(?:insert|update|delete|merge|truncate)\b", re.IGNORECASE)


def patch() -> None:
    """Look again after an ALTER, and do its changes one by one."""
    created = ddl_sync.sync_created_table
    execute = DuckDBEngine.execute

    def sync(bq_sql: str, project_id: str, ctx: AppContext) -> None:
        created(bq_sql, project_id, ctx)
        _altered(bq_sql, project_id, ctx)
        _written(bq_sql, project_id, ctx)

    def executed(engine: DuckDBEngine, sql: str, parameters: Any = None) -> Any:
        changes = one_by_one(sql) if sql[:6].upper() == "ALTER " else [sql]
        if len(changes) == 1:
            return execute(engine, changes[0], parameters)
        return _together(engine, changes, execute)

    executor.sync_created_table = sync
    interpreter.sync_created_table = sync
    DuckDBEngine.execute = executed


def one_by_one(sql: str) -> list[str]:
    """Give the changes of an ALTER TABLE in DuckDB's SQL, each as a statement of its own."""
    try:
        statement = sqlglot.parse_one(sql, read="duckdb")
    except SqlglotError:
        return [sql]
    if not isinstance(statement, exp.Alter):
        return [sql]
    changes = []
    for action in statement.args.get("actions") or []:
        change = statement.copy()
        change.set("actions", [action.copy()])
        for column in change.find_all(exp.ColumnDef):
            _dotted(column)
        changes.append(change.sql(dialect="duckdb"))
    return changes if len(changes) > 1 or statement.find(exp.ColumnDef) else [sql]


def _dotted(column: exp.ColumnDef) -> None:
    parts = [exp.to_identifier(part, quoted=True) for part in column.name.split(".")]
    if len(parts) > 1:
        column.set("this", exp.Dot.build(parts))


def _together(engine: DuckDBEngine, changes: list[str], execute: Any) -> Any:
    """Do all of the changes, or none; within a script's transaction, as a part of it."""
    try:
        execute(engine, "BEGIN TRANSACTION")
    except duckdb.TransactionException:
        own = False
    else:
        own = True
    try:
        for change in changes:
            done = execute(engine, change)
    except duckdb.Error:
        if own:
            execute(engine, "ROLLBACK")
        raise
    if own:
        execute(engine, "COMMIT")
        done = execute(engine, "SELECT 1 AS done LIMIT 0")
    return done


def _written(bq_sql: str, project_id: str, ctx: AppContext) -> None:
    """Note how many rows the tables of a DML statement have now, and when they were changed."""
    if not _DML.search(bq_sql):
        return
    try:
        statement = sqlglot.parse_one(bq_sql, read="bigquery")
    except SqlglotError:
        return
    for name in executor._dml_target_tables(statement, project_id):
        known = ctx.catalog.get_table(*name)
        if known is not None:
            rows = ddl_sync._introspect_num_rows(*name, ctx)
            changed = {"num_rows": rows, "last_modified_time": ctx.clock.now()}
            ctx.catalog.update_table(known.model_copy(update=changed))


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
    renamed = statement.find(exp.AlterRename)
    if renamed is not None:
        ctx.catalog.create_table(known.model_copy(update={"table_id": renamed.this.name}))
        ctx.catalog.delete_table(*name)
        return
    before = {field.name: field for field in known.schema_.fields}
    found = ddl_sync._introspect_schema(*name, ctx)
    fields = tuple(before.get(field.name, field) for field in found.fields)
    ctx.catalog.update_table(
        known.model_copy(update={"schema_": found.model_copy(update={"fields": fields})})
    )
