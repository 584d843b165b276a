"""CREATE FUNCTION as the emulator takes it: an aggregate one as one of rows, in SQL or JavaScript.

Source: https://cloud.google.com/bigquery/docs/user-defined-aggregates
"""

from __future__ import annotations

import re

from local.google import errors
from local.google.sql.names import without_leading_comments, without_strings

_CREATE = re.compile(
    r"create\s+(?:or\s+replace\s+)?(?:temp(?:orary)?\s+)?(?P<aggregate>aggregate\s+)?function\b",
    re.IGNORECASE,
)
_LANGUAGE = re.compile(r"\blanguage\s+(\w+)", re.IGNORECASE)
_ANY = re.compile(r"\bany\s+type\b", re.IGNORECASE)
_VOLATILITY = re.compile(r"\b(?:not\s+)?deterministic\b(?=\s+language\b)", re.IGNORECASE)
_PER_GROUP = re.compile(r"\bnot\s+aggregate\b", re.IGNORECASE)
_BODY = re.compile(r"\blanguage\s+js\b.*?\bas\s+[rR]?(?:'''|\"\"\"|'|\")", re.IGNORECASE | re.DOTALL)
# What the emulator knows such a function by: local/emulator/javascript.py.
MARK = "/* an aggregate */"


def readable(text: str) -> str:
    """Give a CREATE AGGREGATE FUNCTION as a CREATE FUNCTION; another statement as it is.

    Raises a 400 for what can't be done here.
    """
    sql = without_leading_comments(text)
    made = _CREATE.match(sql)
    if made is None:
        return text
    bare = without_strings(sql)
    language = _LANGUAGE.search(bare)
    if language is not None and language[1].lower() not in ("js", "sql"):
        raise errors.invalid(f"the local BigQuery can't do functions in {language[1]}; Google can")
    # The emulator's functions in SQL take any type, and it calls all of them each time.
    sql = _header_changed(_header_changed(sql, _ANY, "STRING"), _VOLATILITY, "")
    if made["aggregate"] is None:
        return sql
    sql = sql[: made.start("aggregate")] + sql[made.end("aggregate") :]
    if language is None or language[1].lower() == "sql":
        return _header_changed(sql, _PER_GROUP, "")
    if _PER_GROUP.search(bare):
        raise errors.invalid("the local BigQuery can't do NOT AGGREGATE in JavaScript; Google can")
    return _BODY.sub(lambda begun: begun[0] + MARK, sql, count=1)


def _header_changed(sql: str, pattern: re.Pattern[str], replacement: str) -> str:
    """Replace what stands before the body."""
    begun = re.search(r"\bas\s*\(", sql, re.IGNORECASE)
    end = begun.start() if begun is not None else len(sql)
    return pattern.sub(replacement, sql[:end]) + sql[end:]
