"""Functions and statements of the engine under the emulator that BigQuery has not: refused, as there.

They would pass here and fail there, and some read and write files or stop the engine.
"""

from __future__ import annotations

import re
from pathlib import Path

from sqlglot.dialects.bigquery import BigQuery
from sqlglot.errors import TokenError
from sqlglot.tokenizer_core import TokenType

from local.google import errors
from local.google.sql.names import without_strings


def _words(file: str) -> frozenset[str]:
    return frozenset((Path(__file__).parent / file).read_text(encoding="ascii").split())


# Whole families of them.
PREFIXES = (
    "__internal_",
    "disable_",
    "duckdb_",
    "enable_",
    "has_",
    "icu_",
    "inet_",
    "list_",
    "map_",
    "pg_",
    "pragma_",
    "struct_",
    "uuid",
    "variant_",
)
# The others of DuckDB 1.5.5 with its spatial extension; a test compares this with the engine.
NAMES = _words("duckdb_functions.txt")
# What both have.
# Source: https://cloud.google.com/bigquery/docs/reference/standard-sql/functions-all
SHARED = _words("bigquery_functions.txt")
# After these a name is not called.
_NAMES_SOMETHING = frozenset(
    {"INTO", "TABLE", "VIEW", "EXISTS", "FUNCTION", "PROCEDURE", "REFERENCES", "UPDATE", "INDEX", "AS"}
)
# Where a statement begins; within CASE the same words are columns. BigQuery has LOAD DATA, EXPORT DATA and
# EXECUTE IMMEDIATE.
_STATEMENT = re.compile(
    r"(?:^|;|\bbegin\b)\s*"
    r"(attach|checkpoint|copy|deallocate|describe|detach|explain|force|import|install|pragma|prepare|reset|show"
    r"|summarize|use|vacuum|load(?!\s+data\b)|export(?!\s+(?:data|metadata|model)\b)"
    r"|execute(?!\s+immediate\b))\b",
    re.IGNORECASE,
)
# sqlglot takes what follows CALL for text.
_CALL = re.compile(r"\bcall\s+`?(\w+)`?\s*\(", re.IGNORECASE)


def require_bigquerys(sql: str) -> None:
    """Raise BigQuery's 400 for a statement, or a call of a function, that only the engine knows."""
    bare = without_strings(sql)
    foreign = _STATEMENT.search(bare)
    if foreign is not None:
        raise errors.invalid_query(f"Syntax error: Unexpected keyword {foreign[1].upper()}")
    for call in _CALL.finditer(bare):
        if is_engines(call[1].lower()):
            raise errors.invalid_query(f"Procedure not found: {call[1]}")
    try:
        tokens = BigQuery().tokenize(sql)
    except TokenError:
        # What can't be read is dealt with where it is authorised.
        return
    own: set[str] = set()
    for position, token in enumerate(tokens[:-1]):
        before = tokens[position - 1] if position else None
        name = token.text.lower()
        if tokens[position + 1].token_type is not TokenType.L_PAREN or token.token_type is TokenType.STRING:
            continue
        if before is not None and before.token_type is TokenType.DOT:
            continue
        if before is not None and before.text.upper() in _NAMES_SOMETHING:
            own.add(name)
        elif name not in own and is_engines(name):
            column = token.col - len(token.text) + 1
            raise errors.invalid_query(f"Function not found: {token.text} at [{token.line}:{column}]")


def is_engines(name: str) -> bool:
    """Tell whether only the engine has a function of this name."""
    return name in NAMES or name.startswith(PREFIXES)
