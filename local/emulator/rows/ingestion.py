"""Patch: tables partitioned by ingestion time have a column `_PARTITIONTIME`, which `*` does not show.

bqemulator 1.4.0 writes the time of the query in its place. The gateway creates the column; here it is hidden
from schemas, from `*`, from what is read over REST, and from what is loaded and inserted without names.
Source: https://cloud.google.com/bigquery/docs/querying-partitioned-tables#query_an_ingestion-time_partitioned_table
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import sqlglot
from bqemulator.api.routes import tabledata
from bqemulator.catalog import ddl_sync
from bqemulator.catalog.models import TimePartitioning
from bqemulator.jobs import executor
from bqemulator.sql import inner_query, translator
from sqlglot import exp
from sqlglot.errors import SqlglotError

if TYPE_CHECKING:
    from bqemulator.api.dependencies import AppContext
    from bqemulator.catalog.models import TableMeta, TableSchema
    from bqemulator.catalog.repository import CatalogRepository

TIME, DATE = "_PARTITIONTIME", "_PARTITIONDATE"
# How the gateway's CREATE TABLE begins to define it.
COLUMN = f"{TIME} TIMESTAMP DEFAULT"


def patch() -> None:
    """Hide the column where the emulator shows all."""
    translator.rewrite_partition_pseudo_columns = lambda sql: sql
    expand = inner_query.expand_wildcard_tables
    introspect, selected = ddl_sync._introspect_schema, tabledata._parse_selected_fields
    load, extract = executor._load_path_into_target, ddl_sync._extract_ddl_metadata

    def expanded(sql: str, project: str, catalog: CatalogRepository) -> str:
        return str(expand(hidden(sql, project, catalog), project, catalog))

    def without(project: str, dataset: str, table: str, ctx: AppContext) -> TableSchema:
        schema = introspect(project, dataset, table, ctx)
        shown = tuple(field for field in schema.fields if field.name != TIME)
        return schema if len(shown) == len(schema.fields) else schema.model_copy(update={"fields": shown})

    def described(sql: str) -> Any:
        found = extract(sql)
        if COLUMN not in sql or found.time_partitioning is not None:
            return found
        # The gateway says by which unit once the script has ended.
        return dataclasses.replace(found, time_partitioning=TimePartitioning(type="DAY"))

    def fields(wanted: str | None, table: TableMeta) -> str:
        if not wanted and is_by_ingestion(table):
            return ", ".join(f'"{name}"' for name in _columns(table))
        return str(selected(wanted, table))

    def loaded(path: str, job: Any, ctx: AppContext) -> None:
        table = ctx.catalog.get_table(job.project_id, job.dataset_id, job.table_id)
        if is_by_ingestion(table):
            names = ", ".join(f'"{name}"' for name in _columns(table))
            job = dataclasses.replace(job, target_ref=f"{job.target_ref} ({names})")
        load(path, job, ctx)

    inner_query.expand_wildcard_tables = expanded
    ddl_sync._introspect_schema = without
    ddl_sync._extract_ddl_metadata = described
    tabledata._parse_selected_fields = fields
    executor._load_path_into_target = loaded


def is_by_ingestion(table: TableMeta | None) -> bool:
    """Tell whether a table is partitioned, and by no column of its own."""
    if table is None or table.time_partitioning is None:
        return False
    return not table.time_partitioning.field and table.table_type == "TABLE"


def _columns(table: TableMeta) -> list[str]:
    return [field.name for field in table.schema_.fields]


def hidden(sql: str, project: str, catalog: CatalogRepository) -> str:
    """Give the statement with what it does not see of such tables taken out."""
    try:
        statement = sqlglot.parse_one(sql, read="bigquery")
    except (SqlglotError, ValueError, RecursionError):
        return sql
    if isinstance(statement, exp.Command):
        return sql
    changed = False
    for column in list(statement.find_all(exp.Column)):
        if column.name.upper() == DATE:
            changed = True
            _as_date(column)
    for table in list(statement.find_all(exp.Table)):
        known = catalog.get_table(table.catalog or project, table.db, table.name) if table.db else None
        if known is not None and is_by_ingestion(known):
            changed |= _hide(table, _columns(known))
    return statement.sql(dialect="bigquery") if changed else sql


def _as_date(column: exp.Column) -> None:
    time = column.copy()
    time.set("this", exp.to_identifier(TIME))
    date: exp.Expression = exp.Date(this=time)
    column.replace(exp.alias_(date, DATE) if isinstance(column.parent, exp.Select) else date)


def _hide(table: exp.Table, columns: list[str]) -> bool:
    parent = table.parent
    if isinstance(parent, exp.Insert) and parent.this is table:
        # Without names it takes one value for each column that can be seen.
        names = [exp.to_identifier(name, quoted=True) for name in columns]
        parent.set("this", exp.Schema(this=table.copy(), expressions=names))
        return True
    if not isinstance(parent, exp.From | exp.Join) and table.arg_key != "using":
        return False
    around = table.find_ancestor(exp.Select, exp.Update, exp.Merge)
    asked = around is not None and any(column.name.upper() == TIME for column in around.find_all(exp.Column))
    alias = table.alias or table.name
    if asked and isinstance(around, exp.Select):
        _shorten_stars(around, alias)
    plain = table.copy()
    plain.set("alias", None)
    shown = [exp.column(exp.to_identifier(name, quoted=True)) for name in [*columns, *[TIME] * asked]]
    table.replace(exp.Select(expressions=shown).from_(plain).subquery(exp.to_identifier(alias, quoted=True)))
    return True


def _shorten_stars(select: exp.Select, alias: str) -> None:
    for star in select.expressions:
        inner = star.this if isinstance(star, exp.Column) else star
        if isinstance(inner, exp.Star) and (inner is star or star.table == alias):
            inner.set("except_", [*(inner.args.get("except_") or []), exp.column(TIME)])
