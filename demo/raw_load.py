"""Load checked CSV files into the raw dataset, each by one load job that replaces its table as a whole."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from google.api_core.exceptions import NotFound
from google.cloud import bigquery

from demo import raw_csv
from demo.raw_tables import LOADED_AT
from flows.errors import PipelineError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from demo.raw_csv import RawFile
    from demo.raw_tables import Column, RawTable

FINGERPRINT = "fingerprint"
ROWS = "rows"
"""The table's labels that say which file it was loaded from, and how many rows that gave."""

_UNFINISHED = {FINGERPRINT: "loading"}
_JOB_SECONDS = 600.0
# BigQuery answers with the older names of the types that it was given.
_TYPES = {"INTEGER": "INT64", "FLOAT": "FLOAT64"}


def load(
    client: bigquery.Client,
    dataset: str,
    files: Sequence[RawFile],
    *,
    force: bool,
    say: Callable[[str], None],
) -> list[str]:
    """Load the files that are not in ``dataset`` (``project.dataset``) yet, and return their tables' names.

    All files are checked before the first is loaded. With ``force``, files that are there are loaded again.
    Raises BadFileError for a file that does not fit its table, PipelineError if a table did not arrive whole.
    """
    wanted = [raw for raw in files if force or not _is_loaded(client, dataset, raw)]
    for raw in files:
        if raw not in wanted:
            say(f"{raw.table.name}: unchanged since its last load")
    loaded_at = datetime.now(UTC)
    with tempfile.TemporaryDirectory(prefix="raw-") as scratch:
        counts = {}
        for raw in wanted:
            counts[raw.table.name] = raw_csv.rewrite(raw, Path(scratch) / raw.table.file_name, loaded_at)
            say(f"{raw.table.name}: checked {counts[raw.table.name]:,} rows")
        for raw in wanted:
            name = raw.table.name
            _load_table(client, f"{dataset}.{name}", raw, Path(scratch) / raw.table.file_name, counts[name])
            say(f"{name}: loaded {counts[name]:,} rows into {dataset}.{name}")
    return list(counts)


def _find(client: bigquery.Client, table_id: str) -> bigquery.Table | None:
    try:
        return client.get_table(table_id)
    except NotFound:
        return None


def _is_loaded(client: bigquery.Client, dataset: str, raw: RawFile) -> bool:
    table = _find(client, f"{dataset}.{raw.table.name}")
    if table is None or table.labels.get(FINGERPRINT) != raw.fingerprint:
        return False
    # Tells of a table that somebody emptied or added to. Counting rows reads no data, so it costs nothing.
    (row,) = client.query_and_wait(f"select count(*) from `{dataset}.{raw.table.name}`")  # noqa: S608
    return bool(table.labels.get(ROWS) == str(row[0]))


def _load_table(client: bigquery.Client, table_id: str, raw: RawFile, upload: Path, rows: int) -> None:
    before = _find(client, table_id)
    if before is not None:
        # A load that is cut off must not leave the new rows under the old fingerprint.
        _label(client, before, raw.table, _UNFINISHED)
    config = bigquery.LoadJobConfig(
        schema=[_field(column) for column in (*raw.table.columns, LOADED_AT)],
        source_format=bigquery.SourceFormat.CSV,
        skip_leading_rows=1,
        write_disposition=bigquery.WriteDisposition.WRITE_TRUNCATE,
    )
    with upload.open("rb") as file:
        job = client.load_table_from_file(file, table_id, job_config=config)
    job.result(timeout=_JOB_SECONDS)
    table = client.get_table(table_id)
    _check_arrival(table, raw.table, rows)
    _label(client, table, raw.table, {FINGERPRINT: raw.fingerprint, ROWS: str(rows)})


def _field(column: Column) -> bigquery.SchemaField:
    mode = "REQUIRED" if column.required else "NULLABLE"
    return bigquery.SchemaField(column.name, column.type, mode, description=column.description)


def _label(
    client: bigquery.Client, table: bigquery.Table, raw_table: RawTable, labels: dict[str, str]
) -> None:
    table.description = raw_table.description
    table.labels = {**table.labels, **labels}
    client.update_table(table, ["description", "labels"])


def _check_arrival(table: bigquery.Table, raw_table: RawTable, rows: int) -> None:
    arrived = [(field.name, _TYPES.get(field.field_type, field.field_type)) for field in table.schema]
    expected = [(column.name, column.type) for column in (*raw_table.columns, LOADED_AT)]
    if arrived != expected:
        raise PipelineError(
            f"{table.full_table_id} has the columns {arrived}; expected {expected}. "
            f"Delete it (`bq rm -t {table.full_table_id}`) and load again."
        )
    if table.num_rows != rows:
        raise PipelineError(f"{table.full_table_id} has {table.num_rows} rows; expected {rows}. Load again.")
