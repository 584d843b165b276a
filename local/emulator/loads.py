"""Patch: a load job reads CSV by its own options and BigQuery's rules, and changes all of a table or nothing.

bqemulator 1.4.0 lets DuckDB guess what the file is like, whatever the job says of separator, header or nulls;
rounds 2.5 to the INTEGER 3; empties a table to be replaced before it looks whether the file can be read; and
tells where the file lies.
Source: https://cloud.google.com/bigquery/docs/loading-data-cloud-storage-csv#csv-options
"""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any

import duckdb
from bqemulator.api.routes import upload
from bqemulator.jobs import executor

from local.emulator import ingestion
from local.emulator.own_words import own_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bqemulator.api.dependencies import AppContext

    Job = Any  # executor._LoadJobConfig
    Columns = list[tuple[str, str]]  # names, with DuckDB's types

_ENCODINGS = {"UTF-8": "utf-8", "ISO-8859-1": "latin-1", "UTF-16LE": "utf-16"}
_ROW = re.compile(r"CSV Error on Line: (?P<line>\d+)")
_WIDTH = re.compile(r"Expected Number of Columns: (?P<expected>\d+) Found: (?P<found>\d+)")
_SAID = re.compile(r"\bCould not parse '.*", re.DOTALL)
# DuckDB's types, and what a cell of another is called by BigQuery.
_NAMES = {
    "BIGINT": "INT64",
    "BLOB": "BYTES",
    "BOOLEAN": "BOOL",
    "DOUBLE": "FLOAT64",
    "TIMESTAMP": "DATETIME",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMP",
}


class BadFileError(Exception):
    """The file is not what the job says."""


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
                    _load_csv(path, job, ctx)
                else:
                    load(path, job, ctx)
            except duckdb.Error as error:
                raise BadFileError(_words(str(error))) from error

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
                raise BadFileError(
                    "the local BigQuery can't do other columns in a table partitioned by ingestion time; "
                    "Google can"
                )
            ctx.engine.execute(f"DROP TABLE {job.target_ref}")
            ctx.engine.execute(f"ALTER TABLE {new} RENAME TO {_quoted(job.table_id)}")
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


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _load_csv(path: str, job: Job, ctx: AppContext) -> None:
    given, columns = job.raw_config, _columns(job.target_ref, ctx)
    separator = str(given.get("fieldDelimiter") or ",")
    quote = str(given.get("quote", '"'))
    encoding = str(given.get("encoding") or "UTF-8").upper()
    if int(given.get("maxBadRecords") or 0):
        raise BadFileError("the local BigQuery can't do maxBadRecords; Google can")
    if encoding not in _ENCODINGS:
        raise BadFileError(f"the local BigQuery can't do the encoding {encoding}; Google can")
    options = {
        "auto_detect": False,
        "header": False,
        "skip": int(given.get("skipLeadingRows") or 0) + _one_if_detected(given),
        "delim": "\t" if separator in ("tab", "\\t") else separator,
        "quote": quote,
        "escape": quote,
        "nullstr": str(given.get("nullMarker") or ""),
        # What is quoted is not null.
        "allow_quoted_nulls": False,
        "null_padding": bool(given.get("allowJaggedRows")),
        "encoding": _ENCODINGS[encoding],
    }
    names = ", ".join(f"{_text(name)}: 'VARCHAR'" for name, _ in columns)
    words = ", ".join(f"{name} = {_text(value)}" for name, value in options.items())
    multiline = bool(given.get("allowQuotedNewlines"))
    cells = ", ".join(_cell(position, name, kind, multiline) for position, (name, kind) in enumerate(columns))
    into = f"{job.target_ref} ({', '.join(_quoted(name) for name, _ in columns)})"
    ctx.engine.execute(
        f"INSERT INTO {into} SELECT {cells} "  # noqa: S608  quoted
        f"FROM read_csv(?, columns = {{{names}}}, {words})",
        [path],
    )


def _one_if_detected(given: dict[str, Any]) -> int:
    """Of a file whose schema is detected, the first line is taken for names, as it was there."""
    return int(bool(given.get("autodetect")) and not given.get("skipLeadingRows"))


def _cell(position: int, name: str, kind: str, multiline: bool) -> str:
    """Give the SQL of one cell: its value, or an error that says which text is none."""
    cell = _quoted(name)
    value = {
        "BIGINT": f"CASE WHEN regexp_full_match(trim({cell}), '[+-]?[0-9]+') "
        f"THEN TRY_CAST({cell} AS BIGINT) END",
        "BLOB": f"TRY(from_base64({cell}))",
        "VARCHAR": cell if multiline else f"CASE WHEN NOT contains({cell}, chr(10)) THEN {cell} END",
    }.get(kind, f"TRY_CAST({cell} AS {kind})")
    if value == cell:
        return cell
    named = _NAMES.get(kind, "STRING" if kind == "VARCHAR" else kind.partition("(")[0])
    why = f"as {named} for field {name} (position {position})"
    if kind == "VARCHAR":
        why += ", it holds a line break and allowQuotedNewlines is not set"
    said = f"error(concat('Could not parse ''', {cell}, ''' ', {_text(why)}))"
    return f"CASE WHEN {cell} IS NULL THEN NULL ELSE coalesce({value}, {said}) END"


def _text(value: object) -> str:
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return str(value).lower()


def _words(message: str) -> str:
    """Say what is wrong with the file, without the engine's advice."""
    row, width, said = _ROW.search(message), _WIDTH.search(message), _SAID.search(message)
    where = f"; line_number: {row['line']}" if row else ""
    if said:
        return said[0]
    if width:
        few = "few" if int(width["found"]) < int(width["expected"]) else "many"
        return f"Too {few} columns: expected {width['expected']}, found {width['found']}{where}"
    if "unterminated quote" in message:
        return f'Missing close quote character ("){where}'
    if "not utf-8" in message.lower() or "unicode" in message:
        return f"Invalid character for the job's encoding{where}"
    return own_words(message)
