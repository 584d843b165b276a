"""Patch: FOR SYSTEM_TIME AS OF what was before a table is refused in BigQuery's words.

bqemulator 1.4.0 reads the table as it is where nothing has been written since it is there.
Source: https://cloud.google.com/bigquery/docs/time-travel
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bqemulator.domain.errors import InvalidQueryError
from bqemulator.versioning.snapshots import SnapshotManager


def patch() -> None:
    """Look at the time before a table is looked for."""
    resolve = SnapshotManager.resolve_time_travel

    def resolved(self: Any, project: str, dataset: str, table: str, target: datetime) -> Any:
        first = _first(self, project, dataset, table)
        asked = target if target.tzinfo else target.replace(tzinfo=UTC)
        if first is not None and asked < first:
            name = f"{project}:{dataset}.{table}@{_milliseconds(asked)}"
            said = f"Invalid snapshot time {_milliseconds(asked)} for table {name}."
            raise InvalidQueryError(f"{said} Cannot read before {_milliseconds(first)}.", location="query")
        return resolve(self, project, dataset, table, target)

    SnapshotManager.resolve_time_travel = resolved


def _first(manager: Any, project: str, dataset: str, table: str) -> datetime | None:
    """Give the first moment of a table that can be read; None where there is no table."""
    known = manager._catalog.get_table(project, dataset, table)
    if known is None:
        return None
    kept = [one.snapshot_time for one in manager._catalog.list_snapshots_for_table(project, dataset, table)]
    oldest = manager._clock.now() - timedelta(days=manager._retention_days)
    first: datetime = max(oldest, min([known.creation_time, *kept]))
    return first


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
