"""Patch: what is absent, is there already, or is of another kind, is said as BigQuery does, with its reason.

bqemulator 1.4.0 knows this of tables only; the engine's own words name neither project nor dataset. The
gateway says where it was looked for.
Source: https://cloud.google.com/bigquery/docs/error-messages
"""

from __future__ import annotations

import re
from collections.abc import Callable

from bqemulator.domain.errors import AlreadyExistsError, DomainError, InvalidQueryError, NotFoundError
from bqemulator.jobs import error_mapper

_SCHEMA = r'Schema with name "?(?P<project>[\w-]+?)__(?P<dataset>\w+)"?'
_BLIND = ("_try_substring_bad_arity", "_try_binder_plus_str_int", "_try_binder_eq_mismatch")
_KINDS = {"Table": "TABLE", "View": "VIEW"}


def _no_dataset(found: re.Match[str], _: str) -> DomainError:
    return NotFoundError(f"Not found: Dataset {found['project']}:{found['dataset']}")


def _dataset_there(found: re.Match[str], _: str) -> DomainError:
    return AlreadyExistsError(f"Already Exists: Dataset {found['project']}:{found['dataset']}")


def _no_view(found: re.Match[str], dataset: str) -> DomainError:
    return NotFoundError(f"Not found: Table {dataset}{found['name']}")


def _view_there(found: re.Match[str], dataset: str) -> DomainError:
    return AlreadyExistsError(f"Already Exists: Table {dataset}{found['name']}")


def _dropped(found: re.Match[str], dataset: str) -> DomainError:
    there, wanted = _KINDS[found["there"]], _KINDS[found["wanted"]]
    name = f"{dataset}{found['name']}"
    return _invalid(f"Cannot drop {name} which has type {there}. An object of type {wanted} was expected.")


def _of_another_kind(found: re.Match[str], dataset: str) -> DomainError:
    kind = found.groupdict().get("there") or "View"
    name = f"{dataset}{found['name']}"
    return _invalid(f"{name} is not allowed for this operation because it is currently a {_KINDS[kind]}.")


def _column_there(found: re.Match[str], _: str) -> DomainError:
    return _invalid(f"Column already exists: {found['name']}")


def _invalid(message: str) -> DomainError:
    return InvalidQueryError(message, location="query")


_EXISTING = r"Existing object (?P<name>\w+) is of type (?P<there>Table|View), trying to "
_SAID: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], str], DomainError]], ...] = (
    (re.compile(f"{_SCHEMA} does not exist"), _no_dataset),
    (re.compile(f"{_SCHEMA} already exists"), _dataset_there),
    (re.compile(r'View with name "?(?P<name>\w+)"? does not exist'), _no_view),
    (re.compile(r'View with name "?(?P<name>\w+)"? already exists'), _view_there),
    (re.compile(rf"{_EXISTING}drop type (?P<wanted>Table|View)"), _dropped),
    (re.compile(rf"{_EXISTING}replace with type"), _of_another_kind),
    (re.compile(r"Catalog Error: (?P<name>\w+) is not an? table"), _of_another_kind),
    (re.compile(r'Column with name "?(?P<name>\w+)"? already exists'), _column_there),
)


def patch() -> None:
    """Ask here first, and not those that say the same types of any."""
    others = (one for one in error_mapper._DUCKDB_TRANSLATORS if one.__name__ not in _BLIND)
    error_mapper._DUCKDB_TRANSLATORS = (_said, *others)


def _said(raw: str, sql: str | None) -> DomainError | None:
    for pattern, make in _SAID:
        found = pattern.search(raw)
        if found is not None:
            # It gives project.dataset. and what it can't tell is "".
            return make(found, error_mapper._extract_schema_prefix("", duckdb_sql=sql).replace(".", ":", 1))
    return None
