"""The dotted names in a piece of SQL, by its tokens: strings and comments are not mistaken for them."""

from __future__ import annotations

import re
from dataclasses import dataclass

# One pass: what must be skipped whole comes before names. A project's id may hold dashes without backticks.
_TOKEN = re.compile(
    r"""
    (?P<skipped>
        \#[^\n]* | --[^\n]* | /\*.*?\*/
      | [rRbB]{0,2}\"\"\".*?(?<!\\)\"\"\" | [rRbB]{0,2}'''.*?(?<!\\)'''
      | [rRbB]{0,2}"(?:\\.|[^"\\])*" | [rRbB]{0,2}'(?:\\.|[^'\\])*'
    )
  | (?P<name> (?: `[^`]*` | [A-Za-z_][\w]*(?:-\w+)* ) (?: \s*\.\s* (?: `[^`]*` | [A-Za-z_]\w*(?:-\w+)* ) )* )
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class Name:
    """A dotted name: its parts without backticks, and where it stands in the text."""

    parts: tuple[str, ...]
    start: int
    end: int


def find_names(sql: str) -> list[Name]:
    """Give every name in the text, in order; keywords and aliases are among them."""
    return [
        Name(_split(match["name"]), match.start(), match.end())
        for match in _TOKEN.finditer(sql)
        if match["name"] is not None
    ]


def names(sql: str) -> list[tuple[str, ...]]:
    """Give just the parts of every name in the text."""
    return [name.parts for name in find_names(sql)]


def _split(text: str) -> tuple[str, ...]:
    parts = text.replace("`", "").split(".")
    return tuple(part.strip() for part in parts if part.strip())
