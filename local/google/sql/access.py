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

from local.google.iam.authorize import TableRef
from local.google.sql import functions_made
from local.google.sql.flow import flattened
from local.google.sql.names import find_names, without_strings
from local.google.sql.nesting import require_shallow
from local.google.sql.tree import (
    TargetUnknownError,
    compared_with,
    dotted_name,
    is_cte,
    is_known_function,
    is_read,
    is_script,
    is_table_function,
    is_temporary,
    metadata_dataset,
    parts_of,
    targets_of,
)

if TYPE_CHECKING:
    pass

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
    r"|\balter\s+schema\b|\brow\s+access\s+polic",
    re.IGNORECASE,
)
_GRANTED = re.compile(r"^\s*(?:grant|revoke)\s+`", re.IGNORECASE)
_READS_ONLY = re.compile(r"[\s(]*(?:select|with|from)\b", re.IGNORECASE)
_CHANGES = re.compile(
    r"\b(?:insert|update|delete|merge|create|drop|alter|truncate|copy|into)\b", re.IGNORECASE
)
_ROUTINES = ("FUNCTION", "PROCEDURE")
_KINDS = (*_ROUTINES, "MODEL", "SCHEMA", "TABLE", "VIEW")


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
    (project, permission). Of SQL that could not be read the datasets that it names are kept: of a query in
    ``read_datasets``, of anything else in ``named``, for any of them may be changed. ``unbounded`` SQL may
    change anything. ``views``, ``dropped`` and the schemas say what is different once it has run.
    """

    tables: set[tuple[TableRef, str]] = field(default_factory=set)
    datasets: set[tuple[str, str, str]] = field(default_factory=set)
    projects: set[tuple[str, str]] = field(default_factory=set)
    unbounded: bool = False
    named: set[tuple[str, str]] = field(default_factory=set)
    read_datasets: set[tuple[str, str]] = field(default_factory=set)
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

    def changes(self) -> bool:
        """Tell whether anything may be different once it has run."""
        needed = {permission for _, permission in self.tables | self.projects}
        needed |= {permission for _, _, permission in self.datasets}
        reads = (".get", ".getData", ".list")
        return self.unbounded or bool(self.named) or not all(name.endswith(reads) for name in needed)


def extract(sql: str, project: str, default_dataset: tuple[str, str] | None = None) -> SqlAccess:
    """Give what a script of one or more statements needs. ``default_dataset`` is (project, dataset).

    Raises BigQuery's 400 for SQL that is nested too deeply to be read.
    """
    require_shallow(sql)
    return _Reader(project, default_dataset).script(sql)


class _Reader:
    def __init__(self, project: str, default: tuple[str, str] | None) -> None:
        self._project = project
        self._default = default
        self._access = SqlAccess()
        self._temporary: set[str] = set()

    def script(self, sql: str) -> SqlAccess:
        for text in flattened(sql):
            granted = _GRANTED.search(without_strings(text))
            if granted is not None:
                self._granted(text)
            elif _UNBOUNDED.search(without_strings(text)):
                self._access.unbounded = True
            else:
                self._one(text)
        return self._access

    def _one(self, text: str) -> None:
        text = functions_made.readable(text)
        try:
            statements = [found for found in sqlglot.parse(text, read="bigquery") if found is not None]
        except (SqlglotError, RecursionError):
            self._unread(text)
            return
        if any(statement.find(exp.Command) for statement in statements):
            self._unread(text)
        try:
            for statement in statements:
                if not isinstance(statement, exp.Command):
                    self._statement(statement)
        except TargetUnknownError:
            self._unread(text)

    def _granted(self, text: str) -> None:
        """GRANT and REVOKE change who may do what in a dataset."""
        on = re.split(r"\bon\b", without_strings(text), maxsplit=1, flags=re.IGNORECASE)[-1]
        names = [name.parts for name in find_names(on)][1:] if on else []
        names = [parts for parts in names if parts[0].lower() not in ("table", "view")]
        schema = re.search(r"\bon\s+schema\b", text, re.IGNORECASE)
        for parts in names[:1]:
            qualifiers = parts if schema else parts[:-1]
            project = qualifiers[-2] if len(qualifiers) > 1 else self._project
            self._access.datasets.add((project, qualifiers[-1], "bigquery.datasets.update"))
        self._access.unbounded |= not names

    def _unread(self, sql: str) -> None:
        if _READS_ONLY.match(without_strings(sql)) and not _CHANGES.search(without_strings(sql)):
            # It changes nothing, whatever else it says.
            for name in find_names(sql):
                self._access.read_datasets.update((self._project, part) for part in name.parts)
                self._access.read_datasets.update(pairwise(name.parts))
            return
        self._access.unbounded |= not is_script(sql)
        if self._default is not None:
            self._access.named.add(self._default)
        for name in find_names(sql):
            self._access.named.update((self._project, part) for part in name.parts)
            self._access.named.update(pairwise(name.parts))

    def _statement(self, statement: exp.Expr) -> None:
        skipped: set[int] = set()
        if not is_read(statement):
            self._access.unbounded = True
        elif isinstance(statement, exp.Create):
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
        kind = self._kind(statement)
        target = targets_of(statement)[0]
        if kind == "SCHEMA":
            schemas = self._schema(target)
            self._access.projects.update((project, "bigquery.datasets.create") for project, _ in schemas)
            self._access.created_schemas += schemas
            return {id(target)}
        if kind in _ROUTINES or kind == "MODEL":
            return self._in_dataset(target, f"bigquery.{'models' if kind == 'MODEL' else 'routines'}.create")
        if is_temporary(statement):
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

    def _kind(self, statement: exp.Expr) -> str:
        kind = str(statement.args.get("kind") or "").upper()
        self._access.unbounded |= kind not in _KINDS
        return kind

    def _drop(self, statement: exp.Drop) -> set[int]:
        kind = self._kind(statement)
        skipped: set[int] = set()
        for target in targets_of(statement):
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
            if is_table_function(table):
                self._access.unbounded |= not is_known_function(table)
                continue
            metadata = metadata_dataset(parts_of(table))
            if metadata is not None:
                self._metadata(metadata, parts_of(table)[-1].upper(), root)
                continue
            name = None if is_cte(table) else self._ref(table)
            if name is not None:
                self._access.tables.add((name, GET_DATA))
        for call in root.find_all(exp.Dot):
            parts = [part for part in dotted_name(call) if part]
            if isinstance(call.expression, exp.Func) and len(parts) in (2, 3):
                project, dataset = parts[-3] if len(parts) == 3 else self._project, parts[-2]
                self._access.datasets.add((project, dataset, "bigquery.routines.get"))

    def _metadata(self, qualifiers: list[str], view: str, root: exp.Expr) -> None:
        region = bool(qualifiers) and qualifiers[-1].lower().startswith("region-")
        if view.startswith("SCHEMATA") and len(qualifiers) == 1 and not region:
            # Its qualifier is a project.
            self._access.projects.add((qualifiers[0], "bigquery.datasets.get"))
            return
        if not qualifiers or region:
            schemas = compared_with(root, "object_schema") if view == "OBJECT_PRIVILEGES" else set()
            if schemas:
                # Who asks about one dataset needs no more than to see that one.
                project = qualifiers[-2] if len(qualifiers) > 1 else self._project
                self._access.datasets.update((project, one, "bigquery.datasets.get") for one in schemas)
                return
            self._access.projects.add((self._project, "bigquery.datasets.get"))
            return
        project = qualifiers[-2] if len(qualifiers) > 1 else self._project
        self._access.datasets.add((project, qualifiers[-1], LIST))
        self._access.datasets.add((project, qualifiers[-1], "bigquery.tables.get"))

    def _targets(self, statement: exp.Expr, permission: str) -> set[int]:
        return set[int]().union(*(self._target(table, permission) for table in targets_of(statement)))

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
        parts = parts_of(table)
        return [(parts[-2] if len(parts) > 1 else self._project, parts[-1])]

    def _ref(self, table: exp.Table) -> TableRef | None:
        """Give a table's whole name; None where it has no dataset, and so none that could be checked."""
        parts = parts_of(table)
        if len(parts) >= 3:
            return TableRef(".".join(parts[:-2]), parts[-2], parts[-1])
        if len(parts) == 2:
            return None if parts[0].lower() == "_session" else TableRef(self._project, parts[0], parts[1])
        if len(parts) == 1 and self._default is not None and parts[0].lower() not in self._temporary:
            return TableRef(*self._default, parts[0])
        return None
