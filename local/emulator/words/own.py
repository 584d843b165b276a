"""Patch: a query that fails says so in BigQuery's words, or in one sentence of its own, never in DuckDB's.

bqemulator 1.4.0 hands on most of what DuckDB and sqlglot say, with the statement as they have rewritten it.
The first line of that is in the log.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

from bqemulator.domain.errors import DomainError

from local.emulator import memory
from local.emulator.words import types

_log = logging.getLogger(__name__)

# What the emulator puts behind its own words, and before those of the engine.
_BEHIND = re.compile(r"\s*\((?:sqlglot|DuckDB|emulator|[A-Z][A-Za-z ]* Error)\b.*", re.DOTALL)
_BEFORE = re.compile(r"^(?:Query execution failed: )?(?:Invalid Input Error: )?")
_ENGINE = re.compile(
    r"strftime|according to format specifier|\b(?:[A-Z][a-z]+ )+(?:implemented )?Error: "
    r"|Python exception|\bMemoryError\b|bad_alloc|malloc of size"
    r"|(?i:\bduckdb\b|\bsqlglot\b|bqemulator|BQEMU|\bmini-racer\b)"
)
# A mistake of the caller's, as BigQuery tells it.
_MISTAKES: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (r"argument types 'sum\(INTERVAL\)'", "the local BigQuery can't do SUM or AVG of INTERVALs; Google can"),
    (
        r'syntax error at or near "(?P<near>[^"]+)"',
        r"the local BigQuery can't do this statement from \g<near> on; "
        "Google can, if there is no mistake in it",
    ),
    (r'Referenced (?:column|table) "(?P<name>[^"]+)" not found', r"Unrecognized name: \g<name>"),
    (
        r'Values list "(?P<table>[^"]+)" does not have a column named "(?P<name>[^"]+)"',
        r"Name \g<name> not found inside \g<table>",
    ),
    (r'find key "no signature (?P<name>\S+) of (?P<x>.+) and (?P<y>.+)" in struct', types.not_together),
    (r'find key "no condition (?P<name>\S+) of (?P<x>.+)" in struct', types.no_condition),
    (r'find key "no part (?P<part>\S+) of (?P<name>\S+) of (?P<x>.+)" in struct', types.no_part),
    (r'find key "no argument (?P<name>\S+) of (?P<x>.+)" in struct', types.no_argument),
    (
        r'find key "no array array_agg of ',
        "The argument to ARRAY_AGG must not be an array type",
    ),
    (r'Could not find key "(?P<name>[^"]+)" in struct', r"Field name \g<name> does not exist in the STRUCT"),
    (r'Ambiguous reference to column name "(?P<name>[^"]+)"', r"Column name \g<name> is ambiguous"),
    (
        r'Table "(?P<table>[^"]+)" does not have a column with name "(?P<name>[^"]+)"',
        r"Column \g<name> is not present in table \g<table>",
    ),
    (
        r'column "(?P<name>[^"]+)" must appear in the GROUP BY clause',
        r"SELECT list expression references column \g<name> which is neither grouped nor aggregated",
    ),
    (r"argument types '(?P<name>[^'(]+)\((?P<types>[^']*)\)'", types.signature),
    (r'function call "(?P<name>[^"(]+)\((?P<types>[^"]*)\)"', types.signature),
    (r"Could not convert string '(?P<value>[^']*)' to (?P<type>\w+)", types.bad_value),
    (
        r'invalid (?P<type>date|time|timestamp) field format: "(?P<value>[^"]*)"',
        r"Invalid \g<type>: '\g<value>'",
    ),
    (
        r'(?P<type>date|time|timestamp) field value out of range: "(?P<value>[^"]*)"',
        r"Invalid \g<type>: '\g<value>'",
    ),
    (r"More than one row returned by a subquery", "Scalar subquery produced more than one element"),
    (
        r'Could not parse string "(?P<value>[^"]*)" according to format',
        r'Failed to parse input string "\g<value>"',
    ),
    (r"[Dd]ivision by zero", "division by zero"),
    (r"Date out of range: (?P<value>\S+)", r"Invalid date: \g<value>"),
    (r"cannot take logarithm of", "Floating point error in function: LOG"),
    (r"cannot take square root of", "Floating point error in function: SQRT"),
    (r"for numeric function cotangent", "Floating point error in function: COT"),
    (r"Overflow on abs\((?P<value>\S+)\)", r"int64 overflow: ABS(\g<value>)"),
    (r"with value (?P<value>\S+) can't be cast .* type INT64", r"int64 out of range: \g<value>"),
    (r"could not convert blob to UTF8", "Invalid cast of bytes to UTF8 string"),
    (
        r"Could not cast value (?P<value>\S+) to DECIMAL\((?P<digits>\d+),(?P<scale>\d+)\)",
        r"numeric overflow: \g<value> has too many digits for NUMERIC(\g<digits>, \g<scale>)",
    ),
    (
        r"has (?P<wanted>\d+) columns but (?P<found>\d+) values were supplied",
        r"Inserted row has wrong column count; Has \g<found>, expected \g<wanted>",
    ),
    (r"NOT NULL constraint failed: \w+\.(?P<name>\w+)", r"Required field \g<name> cannot be null"),
    (r"Referenced update column (?P<name>\S+) not found", r"Unrecognized name: \g<name>"),
    (
        r'Duplicate column name "(?P<name>[^"]+)" in INSERT',
        r"Column \g<name> appears multiple times in INSERT column list",
    ),
    (r"Malformed JSON", "syntax error while parsing JSON"),
    (memory.IS_EXCEEDED, memory.EXCEEDED),
    (r"JS UDF invocation failed: memory limit exceeded", "UDF out of memory"),
)
# What the engine, and with it this platform, can't do.
_UNABLE: tuple[tuple[str, str], ...] = (
    (r"\bTable Function with name (\w+)", r"\1()"),
    (r"\bTable with name (INFORMATION_SCHEMA\.\w+)", r"\1"),
    (r"Failed to parse format specifier (\S+): Unrecognized", r"the format \1"),
    (r"gs:// URIs", "files in Cloud Storage"),
    (r"^([A-Z][A-Z_.]+) is not supported by bqemulator", r"\1"),
)


# Functions that Google has and this platform has not, by what they are for.
# Source: https://cloud.google.com/bigquery/docs/reference/standard-sql/functions-all
_NOT_SERVED = re.compile(
    r"Function not found: (?:[a-z][a-z0-9]*-[\w-]+\.)?"
    r"(?P<name>(?:aead|ai|hll_count|keys|kll_quantiles|ml|obj)\.\w+"
    r"|(?:deterministic|dlp|s2|st)_\w+|appends|bag_of_words|changes|external_object_transform|gap_fill"
    r"|range_sessionize|search|text_analyze|tf_idf|vector_search)\b(?!\.)",
    re.IGNORECASE,
)
# What the emulator calls a function: project__dataset__name with _h_ for a dash; a temporary one, by its job.
_SYNTAX = re.compile(
    r"Syntax error: (?P<what>[^\[]*?)\.? Line (?P<line>\d+), Col: (?P<column>\d+)\.", re.DOTALL
)
# What our own functions say.
_SAID = re.compile(
    r"the local BigQuery can't do [^;\n]+; Google can|(?<=\bMistakeError: )[^\n]+"
    r"|(?<=\(Error: )Field [^\n]+ but got a value with length \d+"
)
_TWICE = re.compile(r"Found multiple '(\w+)' clauses")
_ROUTINE = re.compile(r"\b(?P<project>[a-z][a-z0-9_]*?)__(?P<dataset>\w+?)__(?P<name>[A-Za-z]\w*)")
# The emulator writes names with two dots, or a kind in small letters before a colon, and says US.
_NAMED = re.compile(
    r"(?P<said>Not found|Already Exists): (?P<kind>[a-z]+:|[A-Z][a-z]+ )(?P<project>[a-z][a-z0-9-]*)[.:]"
    r"(?P<name>\w+(?:\.[\w$*-]+)?)(?: was not found in location US)?$"
)
_TEMPORARY = re.compile(r"\b[a-z][a-z0-9_]*?___bqemu_temp_[0-9a-f]{32}__")


def own_words(message: str) -> str:
    """Give what the caller is told in place of the emulator's message."""
    words = _NAMED.sub(_named, _ROUTINE.sub(_routine, _TEMPORARY.sub("", _translated(message))))
    not_served = _NOT_SERVED.search(words)
    return f"the local BigQuery can't do {not_served['name'].upper()}; Google can" if not_served else words


def _named(found: re.Match[str]) -> str:
    kind = found["kind"].rstrip(": ").capitalize()
    return f"{found['said']}: {kind} {found['project']}:{found['name']}"


def _routine(found: re.Match[str]) -> str:
    if found["project"] in ("google", "bqemu"):
        return found[0]
    return f"{found['project'].replace('_h_', '-')}.{found['dataset'].replace('_h_', '-')}.{found['name']}"


def _translated(message: str) -> str:
    said = _SAID.search(message)
    if said is not None:
        return said[0]
    syntax = _SYNTAX.match(message)
    if syntax is not None:
        twice = _TWICE.search(syntax["what"])
        what = f"Expected end of input but got keyword {twice[1]}" if twice else "Unexpected text"
        return f"Syntax error: {what} at [{syntax['line']}:{syntax['column']}]"
    for pattern, words in _MISTAKES:
        found = re.search(pattern, message)
        if found is not None and _ENGINE.search(message):
            return words(found) if callable(words) else found.expand(words)
    bare = _BEFORE.sub("", _BEHIND.sub("", message), count=1)
    if not _ENGINE.search(bare):
        return bare
    for pattern, what in _UNABLE:
        found = re.search(pattern, bare)
        if found is not None:
            return f"the local BigQuery can't do {found.expand(what)}; Google can"
    return "the local BigQuery can't do this statement; Google can, if there is no mistake in it"


def patch() -> None:
    """Change every error where it is made."""
    make = DomainError.__init__

    def make_own(self: DomainError, message: str, **rest: object) -> None:
        words = own_words(message)
        if words != message:
            _log.warning("%s: %s", words, message.splitlines()[0])
        if words == memory.EXCEEDED:
            self.bq_reason, self.http_status = "resourcesExceeded", 400
        make(self, words, **rest)

    DomainError.__init__ = make_own
