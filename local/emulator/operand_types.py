"""Patch: columns' types are looked up by whole names, and the statement that runs stays as it was written.

bqemulator 1.4.0 lets sqlglot qualify the statement itself, by bare names, only to learn what AVG is over:
`*` was expanded to the columns of another dataset's table of the same name, and lost those of unknown type.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlglot
from bqemulator.sql import inner_query
from bqemulator.sql.translator import SQLTranslator
from bqemulator.storage.type_map import bq_schema_to_duckdb_columns
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify

if TYPE_CHECKING:
    from bqemulator.catalog.models import TableFieldSchema
    from bqemulator.catalog.repository import CatalogRepository


class Columns(dict[str, Any]):
    """{project: {dataset: {table: {column: DuckDB type}}}}, and the project of names that have none."""

    project: str


def patch() -> None:
    """Look columns up by whole names, and copy types only."""
    inner_query.build_catalog_schema = _columns
    SQLTranslator._annotate_tree = staticmethod(_with_types)


def _columns(bq_sql: str, *, project_id: str, catalog: CatalogRepository) -> Columns:
    found = Columns()
    found.project = project_id
    try:
        statement = sqlglot.parse_one(bq_sql, read="bigquery")
    except SqlglotError:
        return found
    # Only an AVG in a PIVOT is asked for by its operand's type: functions/numerics.py has the others.
    if statement.find(exp.Pivot) is None or statement.find(exp.Avg) is None:
        return found
    for table in statement.find_all(exp.Table):
        if not table.db:
            continue
        project = table.catalog or project_id
        known = catalog.get_table(project, table.db, table.name)
        if known is not None and known.schema_.fields:
            columns = dict(bq_schema_to_duckdb_columns([_field(field) for field in known.schema_.fields]))
            found.setdefault(project, {}).setdefault(table.db, {})[table.name] = columns
    return found


def _field(field: TableFieldSchema) -> dict[str, Any]:
    inner = [_field(one) for one in field.fields]
    element = field.range_element_type
    return {
        "name": field.name,
        "type": field.type,
        "mode": field.mode,
        **({"fields": inner} if inner else {}),
        **({"rangeElementType": {"type": element.type}} if element is not None else {}),
    }


def _with_types(statement: exp.Expression, schema: Columns) -> exp.Expression:
    typed = statement.copy()
    for table in typed.find_all(exp.Table):
        if table.db and not table.catalog:
            table.set("catalog", exp.to_identifier(schema.project, quoted=True))
    try:
        typed = annotate_types(
            qualify(typed, schema=schema, dialect="duckdb"), schema=schema, dialect="duckdb"
        )
    except SqlglotError:
        return statement
    pairs = list(zip(*(tree.find_all(exp.Avg, bfs=False) for tree in (statement, typed)), strict=False))
    for own, known in pairs:
        own.this.type = known.this.type
    return statement
