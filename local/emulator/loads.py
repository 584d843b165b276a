"""Patch: a load job reads CSV and JSON by its own options and BigQuery's rules, all of a file or nothing.

bqemulator 1.4.0 lets DuckDB guess what the file is like, whatever the job says of separator, header or nulls;
rounds 2.5 to an INTEGER; passes over fields that the table has not; empties a table to be replaced before it
looks whether the file can be read; and tells where the file lies.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import duckdb
from bqemulator.api.routes import upload
from bqemulator.jobs import executor

from local.emulator import files
from local.emulator.rows import ingestion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bqemulator.api.dependencies import AppContext

    Job = Any  # executor._LoadJobConfig
    from local.emulator.files import Columns


def patch() -> None:
    """Load in this way."""
    load, disposed, run = (
        executor._load_path_into_target,
        executor._apply_load_write_disposition,
        upload._run_load,
    )

    def load_whole(path: str, job: Job, ctx: AppContext) -> None:
        with _all_or_nothing(ctx):
            if _replaces(job):
                _empty(job, ctx)
            try:
                if job.source_format == "CSV":
                    _insert(files.csv, path, job, ctx)
                elif job.source_format in files.JSON:
                    _insert(files.json, path, job, ctx)
                else:
                    load(path, job, ctx)
            except duckdb.Error as error:
                raise files.BadFileError(files.words(str(error))) from error

    def dispose(job: Job, ctx: AppContext) -> None:
        if not _replaces(job):
            disposed(job, ctx)

    async def run_unseen(
        *, project_id: str, configuration: dict[str, Any], media_path: str, ctx: AppContext
    ) -> tuple[str, Any]:
        job_id, job = await run(
            project_id=project_id, configuration=configuration, media_path=media_path, ctx=ctx
        )
        error = job.error_result and {
            key: said for key, said in job.error_result.items() if key != "location"
        }
        job = job.model_copy(update={"configuration": configuration, "error_result": error})
        ctx.catalog.upsert_job(job)
        return job_id, job

    executor._load_path_into_target = load_whole
    executor._apply_load_write_disposition = dispose
    upload._run_load = run_unseen


def _replaces(job: Job) -> bool:
    return bool(job.write_disposition == "WRITE_TRUNCATE")


@contextlib.contextmanager
def _all_or_nothing(ctx: AppContext) -> Iterator[None]:
    ctx.engine.execute("BEGIN")
    try:
        yield
    except BaseException:
        ctx.engine.execute("ROLLBACK")
        raise
    ctx.engine.execute("COMMIT")


def _empty(job: Job, ctx: AppContext) -> None:
    """Take the rows away, and where the job brings other columns, the table's columns."""
    fields = (job.raw_config.get("schema") or {}).get("fields")
    if fields:
        new = f'{job.target_ref[:-1]}__new"'
        schema = executor._build_explicit_schema(ctx, new, fields)
        if _columns(new, ctx) != _columns(job.target_ref, ctx):
            if _is_partitioned_by_ingestion(job.target_ref, ctx):
                raise files.BadFileError(
                    "the local BigQuery can't do other columns in a table partitioned by ingestion time; "
                    "Google can"
                )
            ctx.engine.execute(f"DROP TABLE {job.target_ref}")
            ctx.engine.execute(f"ALTER TABLE {new} RENAME TO {files.quoted(job.table_id)}")
            known = ctx.catalog.get_table(job.project_id, job.dataset_id, job.table_id)
            ctx.catalog.update_table(known.model_copy(update={"schema_": schema}))
            return
        ctx.engine.execute(f"DROP TABLE {new}")
    ctx.engine.execute(f"DELETE FROM {job.target_ref}")  # noqa: S608  quoted


def _columns(table: str, ctx: AppContext) -> Columns:
    return [(name, kind) for name, kind in _all_columns(table, ctx) if name != ingestion.TIME]


def _is_partitioned_by_ingestion(table: str, ctx: AppContext) -> bool:
    return any(name == ingestion.TIME for name, _ in _all_columns(table, ctx))


def _all_columns(table: str, ctx: AppContext) -> Columns:
    return [(row[0], row[1]) for row in ctx.engine.execute(f"DESCRIBE {table}").fetchall()]


def _insert(rows: Callable[[dict[str, Any], Columns], str], path: str, job: Job, ctx: AppContext) -> None:
    files.require_no_bad_records(job.raw_config)
    columns = _columns(job.target_ref, ctx)
    into = f"{job.target_ref} ({', '.join(files.quoted(name) for name, _ in columns)})"
    ctx.engine.execute(f"INSERT INTO {into} {rows(job.raw_config, columns)}", [path])
