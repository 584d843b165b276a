"""How deep a statement is nested, counted before it is parsed."""

from __future__ import annotations

from sqlglot import tokenize
from sqlglot.dialects.bigquery import BigQuery
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import TokenType

from local.google import errors

# Of parentheses, brackets and CASE. The emulator manages some more of most, but not of all.
DEEPEST = 100
# Of functions that are called as types are, such as STRUCT( and STRING(. sqlglot 30 tries each as a type
# first, which doubles the time for each level: 0.2 s for 15.
DEEPEST_TYPES = 12
_OPEN = {TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.CASE}
_CLOSE = {TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.END}


def require_shallow(sql: str) -> None:
    """Raise BigQuery's 400 for a query that is too complex where the SQL is nested too deeply to be read."""
    if sum(map(sql.count, "([")) + sql.lower().count("case") <= DEEPEST_TYPES:
        return
    try:
        tokens = tokenize(sql, read="bigquery")
    except SqlglotError:
        return  # told where it is parsed
    open_ones: list[tuple[TokenType, bool]] = []
    types, before = 0, None
    for token in tokens:
        kind = token.token_type
        if kind in _OPEN:
            is_type = kind is TokenType.L_PAREN and before in BigQuery.Parser.TYPE_TOKENS
            types += is_type
            open_ones.append((kind, is_type))
            if len(open_ones) > DEEPEST or types > DEEPEST_TYPES:
                raise errors.too_complex()
        elif kind in _CLOSE and open_ones and (kind is TokenType.END) == (open_ones[-1][0] is TokenType.CASE):
            types -= open_ones.pop()[1]
        before = kind
