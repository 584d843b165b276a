"""Patch: what is parsed again and again is parsed once.

bqemulator 1.4.0 parses each statement some twenty times, once in each step that looks at it or rewrites it:
most of its processor time. To copy a tree takes a quarter of what it takes to parse one.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from sqlglot.dialects.dialect import Dialect

if TYPE_CHECKING:
    from sqlglot import exp

# The statements that run at once, each in a few versions.
KEPT = 64
# A tree takes some hundred times the memory of its text.
LONGEST = 100_000


def patch() -> None:
    """Keep the trees of the latest texts, and hand out copies, since some steps change theirs."""
    parse = Dialect.parse

    @functools.lru_cache(maxsize=KEPT)
    def once(dialect: type[Dialect], sql: str) -> list[exp.Expr | None]:
        return parse(dialect(), sql)

    def parsed(self: Dialect, sql: str, **options: Any) -> list[exp.Expr | None]:
        if options or len(sql) > LONGEST:
            return parse(self, sql, **options)
        return [tree and tree.copy() for tree in once(type(self), sql)]

    Dialect.parse = parsed  # type: ignore[method-assign]
