"""CREATE: options, clustering, partitions and keys are noted by the gateway, columns get their types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlglot
from sqlglot import exp

from local.google import errors
from local.google.sql.rewrite.actions import Describe, Located
from local.google.sql.rewrite.ddl import fields_of
from local.google.sql.tree import parts_of, targets_of

if TYPE_CHECKING:
    from local.google.sql.rewrite.ddl import Context

_KEPT = (exp.NotNullColumnConstraint, exp.DefaultColumnConstraint)
_UNITS = ("HOUR", "MONTH", "YEAR", "DAY")


def rewritten(statement: exp.Create, context: Context) -> None:
    """Take out what the emulator can't read, and note it."""
    kind = str(statement.args.get("kind") or "").upper()
    if kind == "SCHEMA":
        _schema(statement, context)
    elif kind in ("TABLE", "VIEW") and not statement.args.get("clone"):
        _table(statement, context)


def _schema(statement: exp.Create, context: Context) -> None:
    parts = parts_of(targets_of(statement)[0])
    dataset = (parts[-2] if len(parts) > 1 else context.project, parts[-1])
    properties = statement.args.get("properties")
    place = properties.find(exp.LocationProperty) if properties is not None else None
    location = place.this.name if place is not None else context.location
    context.actions.append(Located(dataset, location))
    statement.set("properties", None)


def _table(statement: exp.Create, context: Context) -> None:
    properties = statement.args.get("properties")
    given: list[exp.Expr] = list(properties.expressions) if properties is not None else []
    body = statement.expression
    if isinstance(body, exp.Subquery) and not body.args.get("alias"):
        statement.set("expression", body.this)
    fields = fields_of([one for one in given if type(one) is exp.Property])
    for one in given:
        if type(one).__name__ in ("Cluster", "ClusterProperty"):
            fields["clustering"] = {"fields": [column.name for column in one.expressions]}
        if isinstance(one, exp.PartitionedByProperty):
            fields |= _partitions(one.this, fields.get("timePartitioning", {}))
    described, required = _columns(statement, fields)
    if is_by_ingestion(fields.get("timePartitioning")):
        _by_ingestion(statement, fields["timePartitioning"])
    if any(isinstance(one, exp.MaterializedProperty) for one in given):
        query = statement.expression.sql(dialect="bigquery")
        refresh = {"query": query, "enableRefresh": True, "refreshIntervalMs": "1800000"}
        fields["materializedView"] = refresh | fields.get("materializedView", {})
        fields["type"] = "MATERIALIZED_VIEW"
        if statement.args.get("replace"):
            statement.set("exists", None)
    kept = [one for one in given if isinstance(one, exp.TemporaryProperty)]
    statement.set("properties", exp.Properties(expressions=kept) if kept else None)
    table = context.ref(targets_of(statement)[0])
    if table is not None and not kept:
        # IF NOT EXISTS leaves what is there.
        anew = not statement.args.get("exists")
        context.actions.append(Describe(table, fields, described, anew=anew, required=required))


def is_by_ingestion(partitions: dict[str, Any] | None) -> bool:
    """Tell whether a table's partitions are by the time when rows come."""
    return partitions is not None and "type" in partitions and not partitions.get("field")


def ingestion_column(unit: str) -> str:
    """Define the column that such a table has beside its own; the emulator hides it."""
    return f"_PARTITIONTIME TIMESTAMP DEFAULT TIMESTAMP_TRUNC(CURRENT_TIMESTAMP(), {unit})"


def _by_ingestion(statement: exp.Create, partitions: dict[str, Any]) -> None:
    if not isinstance(statement.this, exp.Schema) or statement.expression is not None:
        raise errors.invalid("A table partitioned by ingestion time can't be created with AS SELECT.")
    column = ingestion_column(partitions["type"])
    defined = sqlglot.parse_one(f"CREATE TABLE t ({column})", read="bigquery").find(exp.ColumnDef)
    statement.this.append("expressions", defined)


def _columns(statement: exp.Create, fields: dict[str, Any]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Take options and constraints off the columns; give their descriptions, and which are required."""
    schema = statement.this
    if not isinstance(schema, exp.Schema):
        return {}, ()
    found: dict[str, str] = {}
    columns: list[exp.Expr] = []
    for column in schema.expressions:
        if isinstance(column, exp.PrimaryKey):
            fields["tableConstraints"] = {"primaryKey": {"columns": [key.name for key in column.expressions]}}
        elif isinstance(column, exp.ColumnDef):
            description, key = _constraints(column)
            found |= {column.name: description} if description else {}
            if key:
                fields["tableConstraints"] = {"primaryKey": {"columns": [column.name]}}
            columns.append(column)
        elif isinstance(column, exp.Identifier):
            columns.append(column)
    query = statement.expression
    if isinstance(query, exp.Query):
        # The emulator takes no columns beside a query.
        _typed(statement, query, columns)
        statement.set("this", schema.this)
    else:
        schema.set("expressions", columns)
    return found, tuple(one.name for one in columns if _has(one, exp.NotNullColumnConstraint))


def _has(column: exp.Expr, kind: type[exp.Expr]) -> bool:
    return any(isinstance(one.args.get("kind"), kind) for one in column.args.get("constraints") or [])


def _constraints(column: exp.ColumnDef) -> tuple[str, bool]:
    """Leave NOT NULL and DEFAULT; give the column's description, and whether it is the key.

    Their kinds are read from `args`: compiled, `kind` refuses the OPTIONS that are among them.
    """
    given = list(column.args.get("constraints") or [])
    options = [option for one in given for option in one.find_all(exp.Property)]
    column.set("constraints", [one for one in given if isinstance(one.args.get("kind"), _KEPT)])
    key = any(isinstance(one.args.get("kind"), exp.PrimaryKeyColumnConstraint) for one in given)
    return str(fields_of(options).get("description") or ""), key


def _typed(statement: exp.Create, query: exp.Query, columns: list[exp.Expr]) -> None:
    """Let a query's columns have the declared names, in their order, and types."""
    typed = []
    for column in columns:
        value: exp.Expr = exp.column(exp.to_identifier(column.name, quoted=True))
        kind = column.args.get("kind") if isinstance(column, exp.ColumnDef) else None
        # The fields of a STRUCT have their names already; a cast would need all of them.
        if isinstance(kind, exp.DataType) and not kind.is_type("STRUCT", "ARRAY"):
            value = exp.cast(value, kind.copy())
        if _has(column, exp.DefaultColumnConstraint):
            raise errors.invalid(
                f"the local BigQuery can't give the column {column.name} a default beside AS SELECT; "
                "Google can"
            )
        if _has(column, exp.NotNullColumnConstraint):
            message = exp.Literal.string(f"Required field {column.name} cannot be null")
            check = exp.Anonymous(this="ERROR", expressions=[message])
            value = exp.func("COALESCE", value, exp.cast(check, kind.copy()) if kind else check)
        typed.append(exp.alias_(value, column.name, quoted=True))
    if typed:
        statement.set("expression", exp.Select(expressions=typed).from_(query.subquery("declared_")))


def _partitions(node: exp.Expr, more: dict[str, Any]) -> dict[str, Any]:
    """Give a PARTITION BY as the API's fields."""
    text = node.sql(dialect="bigquery").upper()
    column = next((found.name for found in node.find_all(exp.Column)), "") or node.name
    if text.lstrip("(").startswith("RANGE_BUCKET"):
        given = [found.name for found in node.find_all(exp.Literal, bfs=False)]
        start, end, interval = [*given, "1"][:3]
        found = {"field": column, "range": {"start": start, "end": end, "interval": interval}}
        return {"rangePartitioning": found}
    unit = next((unit for unit in _UNITS if f", {unit})" in text), "DAY")
    field = {} if column.upper().startswith("_PARTITION") else {"field": column}
    return {"timePartitioning": {"type": unit} | field | more}
