"""Which tables a query reads and changes: what BigQuery checks before it runs one.

SQL is read with sqlglot's BigQuery dialect. A statement that it cannot read is taken to change every
dataset that it names; one that can reach what it does not name (EXECUTE IMMEDIATE, CALL) to change all.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from local.google.authorize import TableRef
from local.google.sql_names import find_names, without_strings

if TYPE_CHECKING:
    from collections.abc import Iterator

# It warns of each statement that it cannot read; those are dealt with here.
logging.getLogger("sqlglot").setLevel(logging.ERROR)

GET_DATA = "bigquery.tables.getData"
UPDATE_DATA = "bigquery.tables.updateData"
CREATE = "bigquery.tables.create"
UPDATE = "bigquery.tables.update"
DELETE = "bigquery.tables.delete"
LIST = "bigquery.tables.list"
ALL_OF_AN_EDITOR = (CREATE, DELETE, UPDATE, UPDATE_DATA, GET_DATA)

# What can reach tables that the text does not name, or changes who may do what.
_UNBOUNDED = re.compile(
    r"\bexecute\s+immediate\b|(?:^|;|\b(?:begin|then|else|do|loop|repeat)\b)\s*call\b"
    r"|\b(?:grant|revoke)\s+`|\balter\s+schema\b|\brow\s+access\s+polic",
    re.IGNORECASE,
)
_ROUTINES = ("FUNCTION", "PROCEDURE")


@dataclass(frozen=True)
class View:
    """A view that a query creates: its name, its own SQL and what that reads."""

    name: TableRef
    query: str
    reads: tuple[TableRef, ...]


@dataclass
class SqlAccess:
    """What a query needs and does.

    ``tables`` holds (table, permission), ``datasets`` (project, dataset, permission) and ``projects``
    (project, permission). ``named`` are datasets named by SQL that could not be read: any of them may be
    changed. ``unbounded`` SQL may change anything. ``views``, ``dropped`` and the schemas say what is
    different once it has run.
    """

    tables: set[tuple[TableRef, str]] = field(default_factory=set)
    datasets: set[tuple[str, str, str]] = field(default_factory=set)
    projects: set[tuple[str, str]] = field(default_factory=set)
    unbounded: bool = False
    named: set[tuple[str, str]] = field(default_factory=set)
    views: list[View] = field(default_factory=list)
    dropped: list[TableRef] = field(default_factory=list)
    created_schemas: list[tuple[str, str]] = field(default_factory=list)
    dropped_schemas: list[tuple[str, str]] = field(default_factory=list)

    def reads(self) -> set[TableRef]:
        """Give the tables whose rows are read."""
        return {table for table, permission in self.tables if permission == GET_DATA}

    def writes(self) -> set[TableRef]:
        """Give the tables that are created, changed or dropped."""
        return {table for table, permission in self.tables if permission != GET_DATA}


def extract(sql: str, project: str, default_dataset: tuple[str, str] | None = None) -> SqlAccess:
    """Give what a script of one or more statements needs. ``default_dataset`` is (project, dataset)."""
    return _Reader(project, default_dataset).script(sql)


class _TargetUnknownError(Exception):
    """A statement changes something, and its tree does not say what."""


class _Reader:
    def __init__(self, project: str, default: tuple[str, str] | None) -> None:
        self._project = project
        self._default = default
        self._access = SqlAccess()
        self._temporary: set[str] = set()

    def script(self, sql: str) -> SqlAccess:
        if _UNBOUNDED.search(without_strings(sql)):
            self._access.unbounded = True
            return self._access
        try:
            statements = [
                statement for statement in sqlglot.parse(sql, read="bigquery") if statement is not None
            ]
        except (SqlglotError, RecursionError):
            self._unread(sql)
            return self._access
        if any(statement.find(exp.Command) for statement in statements):
            self._unread(sql)
        try:
            for statement in statements:
                if not isinstance(statement, exp.Command):
                    self._statement(statement)
        except _TargetUnknownError:
            self._unread(sql)
        return self._access

    def _unread(self, sql: str) -> None:
        if self._default is not None:
            self._access.named.add(self._default)
        for name in find_names(sql):
            self._access.named.update((self._project, part) for part in name.parts)
            self._access.named.update(pairwise(name.parts))

    def _statement(self, statement: exp.Expr) -> None:
        skipped: set[int] = set()
        if isinstance(statement, exp.Create):
            skipped = self._create(statement)
        elif isinstance(statement, exp.Drop):
            skipped = self._drop(statement)
        elif isinstance(statement, exp.Alter):
            skipped = self._targets(statement, UPDATE)
            renamed = statement.find(exp.AlterRename)
            skipped |= {id(table) for table in renamed.find_all(exp.Table)} if renamed else set()
        elif isinstance(statement, exp.Insert):
            skipped = self._targets(statement, UPDATE_DATA)
        elif isinstance(statement, exp.Update | exp.Delete | exp.Merge):
            # These also read what they change.
            self._targets(statement, UPDATE_DATA)
        elif isinstance(statement, exp.TruncateTable):
            skipped = self._targets(statement, UPDATE_DATA)
        elif isinstance(statement, exp.LoadData):
            skipped = self._targets(statement, CREATE) | self._targets(statement, UPDATE_DATA)
        self._reads(statement, skipped)

    def _create(self, statement: exp.Create) -> set[int]:
        kind = str(statement.kind or "").upper()
        target = _targets(statement)[0]
        if kind == "SCHEMA":
            schemas = self._schema(target)
            self._access.projects.update((project, "bigquery.datasets.create") for project, _ in schemas)
            self._access.created_schemas += schemas
            return {id(target)}
        if kind in _ROUTINES or kind == "MODEL":
            return self._in_dataset(target, f"bigquery.{'models' if kind == 'MODEL' else 'routines'}.create")
        if _is_temporary(statement):
            self._temporary.add(target.name.lower())
            return {id(target)}
        skipped = self._target(target, CREATE)
        if statement.args.get("replace"):
            skipped |= self._target(target, UPDATE)
            skipped |= self._target(target, UPDATE_DATA)
        name = self._ref(target)
        if name is None:
            return skipped
        if kind == "VIEW" and statement.expression is not None:
            body = statement.expression
            inner = _Reader(self._project, self._default)
            inner._reads(body, set())
            query = body.sql(dialect="bigquery", comments=False)
            self._access.views.append(View(name, query, tuple(sorted(inner._access.reads()))))
        elif kind == "TABLE":
            self._access.dropped.append(name)
        return skipped

    def _drop(self, statement: exp.Drop) -> set[int]:
        kind = str(statement.args.get("kind") or "").upper()
        skipped: set[int] = set()
        for target in _targets(statement):
            if kind == "SCHEMA":
                schemas = self._schema(target)
                self._access.datasets.update((*schema, "bigquery.datasets.delete") for schema in schemas)
                self._access.dropped_schemas += schemas
                skipped.add(id(target))
            elif kind in _ROUTINES:
                skipped |= self._in_dataset(target, "bigquery.routines.delete")
            else:
                self._access.dropped += filter(None, [self._ref(target)])
                skipped |= self._target(target, DELETE)
        return skipped

    def _reads(self, root: exp.Expr, skipped: set[int]) -> None:
        for table in root.find_all(exp.Table):
            if id(table) in skipped:
                continue
            parts = _parts(table)
            metadata = _metadata_dataset(parts)
            if metadata is not None:
                self._metadata(metadata)
                continue
            name = None if _is_cte(table) else self._ref(table)
            if name is not None:
                self._access.tables.add((name, GET_DATA))
        for call in root.find_all(exp.Dot):
            parts = [part for part in _dotted(call) if part]
            if isinstance(call.expression, exp.Func) and len(parts) in (2, 3):
                project, dataset = parts[-3] if len(parts) == 3 else self._project, parts[-2]
                self._access.datasets.add((project, dataset, "bigquery.routines.get"))

    def _metadata(self, qualifiers: list[str]) -> None:
        if not qualifiers or qualifiers[-1].lower().startswith("region-"):
            self._access.projects.add((self._project, "bigquery.datasets.get"))
            return
        project = qualifiers[-2] if len(qualifiers) > 1 else self._project
        self._access.datasets.add((project, qualifiers[-1], LIST))
        self._access.datasets.add((project, qualifiers[-1], "bigquery.tables.get"))

    def _targets(self, statement: exp.Expr, permission: str) -> set[int]:
        return set[int]().union(*(self._target(table, permission) for table in _targets(statement)))

    def _target(self, table: exp.Table, permission: str) -> set[int]:
        name = self._ref(table)
        if name is not None:
            self._access.tables.add((name, permission))
        return {id(table)}

    def _in_dataset(self, table: exp.Table, permission: str) -> set[int]:
        name = self._ref(table)
        if name is not None:
            self._access.datasets.add((name.project, name.dataset, permission))
        return {id(table)}

    def _schema(self, table: exp.Table) -> list[tuple[str, str]]:
        parts = _parts(table)
        return [(parts[-2] if len(parts) > 1 else self._project, parts[-1])]

    def _ref(self, table: exp.Table) -> TableRef | None:
        """Give a table's whole name; None where it has no dataset, and so none that could be checked."""
        parts = _parts(table)
        if len(parts) >= 3:
            return TableRef(".".join(parts[:-2]), parts[-2], parts[-1])
        if len(parts) == 2:
            return None if parts[0].lower() == "_session" else TableRef(self._project, parts[0], parts[1])
        if len(parts) == 1 and self._default is not None and parts[0].lower() not in self._temporary:
            return TableRef(*self._default, parts[0])
        return None


def _targets(statement: exp.Expr) -> list[exp.Table]:
    """Give what a statement changes. Raises _TargetUnknownError rather than let a change go unseen."""
    named = statement.args.get("tables") or [statement.this]
    if isinstance(statement, exp.TruncateTable):
        named = statement.expressions
    targets = []
    for target in named:
        while isinstance(target, exp.Schema | exp.UserDefinedFunction):
            target = target.this  # noqa: PLW2901  what it wraps is what is named
        if not isinstance(target, exp.Table) or not _parts(target):
            raise _TargetUnknownError
        targets.append(target)
    if not targets:
        raise _TargetUnknownError
    return targets


def _parts(table: exp.Table) -> list[str]:
    """Split a name into its parts; inside backticks there may be several."""
    return [part for piece in table.parts for part in piece.name.split(".") if part]


def _metadata_dataset(parts: list[str]) -> list[str] | None:
    """Give what stands before INFORMATION_SCHEMA or __TABLES__; None where it is neither."""
    upper = [part.upper() for part in parts]
    if "INFORMATION_SCHEMA" in upper:
        return parts[: upper.index("INFORMATION_SCHEMA")]
    if upper and upper[-1] in ("__TABLES__", "__TABLES_SUMMARY__"):
        return parts[:-1]
    return None


def _is_temporary(statement: exp.Create) -> bool:
    properties = statement.args.get("properties")
    return properties is not None and properties.find(exp.TemporaryProperty) is not None


def _is_cte(table: exp.Table) -> bool:
    """Tell whether a name without dots is one that a WITH around it gives."""
    if len(_parts(table)) != 1:
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


def _dotted(call: exp.Dot) -> list[str]:
    parts: list[str] = []
    for piece in call.flatten():
        if isinstance(piece, exp.Column):
            parts += [part for name in piece.parts for part in name.name.split(".")]
        else:
            parts += piece.name.split(".")
    return parts
