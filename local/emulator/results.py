"""Patch: the rows of earlier queries are kept up to a bound, and a result that is too large is refused.

bqemulator 1.4.0 keeps the rows of every query in memory for ever.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from contextlib import ExitStack
from typing import Any

import pyarrow as pa
from bqemulator.api.routes import jobs as routes
from bqemulator.api.routes import tables
from bqemulator.domain.errors import InvalidQueryError
from bqemulator.jobs import executor
from bqemulator.storage import engine as storage

from local.emulator.memory import MEGABYTE, megabytes

LARGEST = megabytes("LOCAL_BIGQUERY_RESULT_MB", 500)
KEPT = 200 * MEGABYTE  # of results of earlier queries
KEPT_SCHEMAS = 10_000
_BATCH = 100_000  # rows
_TOO_LARGE = (
    f"Response too large to return: more than {LARGEST // MEGABYTE} MB. "
    "Consider creating a table from the query."
)


class ResponseTooLargeError(InvalidQueryError):  # type: ignore[misc]  # bqemulator is not in this environment
    """A query returns more than one response may hold."""

    bq_reason = "responseTooLarge"


class Results(OrderedDict[str, pa.Table]):
    """Rows by job id. The oldest go when all together are too many bytes; the newest always stay."""

    def __init__(self) -> None:
        super().__init__()
        self._changing = threading.RLock()
        self._bytes = 0

    def __setitem__(self, key: str, rows: pa.Table) -> None:
        for name, column in zip(rows.column_names, rows.columns, strict=True):
            for chunk in column.chunks:
                require_elements(name, chunk)
        with self._changing:
            self.pop(key, None)
            super().__setitem__(key, rows)
            self._bytes += rows.nbytes
            while self._bytes > KEPT and len(self) > 1:
                self.popitem(last=False)

    def __delitem__(self, key: str) -> None:
        with self._changing:
            self._bytes -= self[key].nbytes
            super().__delitem__(key)

    def pop(self, key: str, default: Any = None) -> Any:
        """Take out the rows of a job."""
        with self._changing:
            if key not in self:
                return default
            rows = self[key]
            del self[key]
            return rows

    def popitem(self, last: bool = True) -> tuple[str, pa.Table]:
        """Take out the newest or the oldest rows."""
        with self._changing:
            key = next(reversed(self)) if last else next(iter(self))
            return key, self.pop(key)


def require_elements(name: str, values: pa.Array) -> None:
    """Raise what BigQuery says where an array that a query returns holds NULL.

    Source: https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types#array_nulls
    """
    if pa.types.is_list(values.type):
        elements = values.flatten()
        if elements.null_count:
            said = f"Array cannot have a null element; error in writing field {name}"
            raise InvalidQueryError(said, location="query")
        require_elements(name, elements)
    elif pa.types.is_struct(values.type):
        for place, field in enumerate(values.type):
            require_elements(field.name, values.field(place))


class Schemas(OrderedDict[str, Any]):
    """Schemas by job id, the latest ones."""

    def __setitem__(self, key: str, fields: Any) -> None:
        super().__setitem__(key, fields)
        if len(self) > KEPT_SCHEMAS:
            self.popitem(last=False)


def patch() -> None:
    """Bound what is kept and what one query may return."""
    results, schemas = Results(), Schemas()
    for module in (executor, routes):
        module.JOB_RESULTS, module.JOB_SCHEMAS = results, schemas
    # This one imports them when it is asked.
    assert not hasattr(tables, "JOB_RESULTS")  # noqa: S101
    storage.DuckDBEngine.fetch_arrow = _fetch_bounded


def _fetch_bounded(engine: storage.DuckDBEngine, sql: str, parameters: list[Any] | None = None) -> pa.Table:
    """Give a statement's rows; refuse, as BigQuery does, to return more than a response may hold."""
    result = engine.execute(sql, parameters)
    description = result.description
    reader = result.to_arrow_reader(_BATCH)
    batches: list[pa.RecordBatch] = []
    with ExitStack() as failed:
        # An error keeps the variables that it was raised among for as long as somebody keeps the error.
        failed.callback(batches.clear)
        failed.callback(reader.close)
        size = 0
        for batch in reader:
            size += batch.nbytes
            if size > LARGEST:
                raise ResponseTooLargeError(_TOO_LARGE)
            batches.append(batch)
        failed.pop_all()
    rows = pa.Table.from_batches(batches, reader.schema)
    return storage._annotate_with_duckdb_types(rows, description)
