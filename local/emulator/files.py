"""The rows of a file that a load job brings, as SQL by the job's own options and BigQuery's rules.

Sources: https://cloud.google.com/bigquery/docs/loading-data-cloud-storage-csv#csv-options and
https://cloud.google.com/bigquery/docs/reference/rest/v2/Job#JobConfigurationLoad
"""

from __future__ import annotations

import re
from typing import Any

from local.emulator.words import own_words

Columns = list[tuple[str, str]]  # names, with DuckDB's types
JSON = ("JSON", "NEWLINE_DELIMITED_JSON")
_ENCODINGS = {"UTF-8": "utf-8", "ISO-8859-1": "latin-1", "UTF-16LE": "utf-16"}
_ROW = re.compile(r"CSV Error on Line: (?P<line>\d+)")
_WIDTH = re.compile(r"Expected Number of Columns: (?P<expected>\d+) Found: (?P<found>\d+)")
_SAID = re.compile(r"\b(?:Could not parse '|No such field: ).*", re.DOTALL)
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


def csv(given: dict[str, Any], columns: Columns) -> str:
    """Give the SQL that reads a file of CSV, whose path is its parameter. Raises BadFileError."""
    separator = str(given.get("fieldDelimiter") or ",")
    quote = str(given.get("quote", '"'))
    encoding = str(given.get("encoding") or "UTF-8").upper()
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
    cells = ", ".join(
        _cell(_unless_blank(quoted(name), kind, given), position, name, kind, multiline)
        for position, (name, kind) in enumerate(columns)
    )
    return f"SELECT {cells} FROM read_csv(?, columns = {{{names}}}, {words})"  # noqa: S608  quoted


def json(given: dict[str, Any], columns: Columns) -> str:
    """Give the SQL that reads a file of a JSON object in each line. Raises BadFileError."""
    cells = ", ".join(_field(position, name, kind) for position, (name, kind) in enumerate(columns))
    rows = "read_ndjson_objects(?)"
    if not given.get("ignoreUnknownValues"):
        known = ", ".join(_text(name.lower()) for name, _ in columns)
        others = f"list_filter(json_keys(json), lambda key: lower(key) NOT IN ({known}))"
        rows += f" WHERE CASE WHEN {others} = [] THEN true ELSE error('No such field: ' || {others}[1]) END"
    return f"SELECT {cells} FROM {rows}"  # noqa: S608  quoted


def require_no_bad_records(given: dict[str, Any]) -> None:
    """Raise BadFileError for a job that would have some rows passed over."""
    if int(given.get("maxBadRecords") or 0):
        raise BadFileError("the local BigQuery can't do maxBadRecords; Google can")


def _one_if_detected(given: dict[str, Any]) -> int:
    """Of a file whose schema is detected, the first line is taken for names, as it was there."""
    return int(bool(given.get("autodetect")) and not given.get("skipLeadingRows"))


def _field(position: int, name: str, kind: str) -> str:
    """Give the SQL of one field of a JSON object."""
    path = _text(f"$.{quoted(name)}")
    if kind == "JSON" or kind.endswith("]") or kind.startswith("STRUCT"):
        value = f"CAST(json_extract(json, {path}) AS {kind})"
        return f"coalesce({value}, [])" if kind.endswith("]") else value
    return _cell(f"json_extract_string(json, {path})", position, name, kind, multiline=True)


def _unless_blank(cell: str, kind: str, given: dict[str, Any]) -> str:
    """Give the SQL of a cell of CSV: NULL for spaces, unless they are a value, or NULL has a mark."""
    if kind in ("VARCHAR", "BLOB") or given.get("nullMarker"):
        return cell
    return f"CASE WHEN {cell} = '' OR trim({cell}) <> '' THEN {cell} END"


def _cell(cell: str, position: int, name: str, kind: str, multiline: bool) -> str:
    """Give the SQL of the value that the text of a cell stands for, or of an error that names the text."""
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


def words(message: str) -> str:
    """Say what is wrong with the file, without the engine's advice."""
    row, width, said = _ROW.search(message), _WIDTH.search(message), _SAID.search(message)
    where = f"; line_number: {row['line']}" if row else ""
    if said:
        return said[0]
    if width:
        few = "few" if int(width["found"]) < int(width["expected"]) else "many"
        return f"Too {few} columns: expected {width['expected']}, found {width['found']}{where}"
    if "JSON" in message and ("Malformed" in message or "unexpected" in message):
        return "JSON parsing error: a line is no JSON object"
    if "unterminated quote" in message:
        return f'Missing close quote character ("){where}'
    if "not utf-8" in message.lower() or "unicode" in message:
        return f"Invalid character for the job's encoding{where}"
    return own_words(message)


def quoted(name: str) -> str:
    """Give a name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'
