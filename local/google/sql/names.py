"""The dotted names in a piece of SQL, read without a grammar: not those in strings and comments."""

from __future__ import annotations

import re
from dataclasses import dataclass

# One pass: what must be skipped whole comes before names. A project's id may hold dashes without backticks.
_SKIPPED = "|".join(
    (
        r"#[^\n]*",
        r"--[^\n]*",
        r"/\*.*?\*/",
        r'[rRbB]{0,2}"""(?:\\.|[^\\])*?"""',
        r"[rRbB]{0,2}'''(?:\\.|[^\\])*?'''",
        r'[rRbB]{0,2}"(?:\\.|[^"\\])*"',
        r"[rRbB]{0,2}'(?:\\.|[^'\\])*'",
    )
)
_PART = r"(?:`[^`]*`|[A-Za-z_]\w*(?:-\w+)*)"
_TOKEN = re.compile(rf"(?P<skipped>{_SKIPPED})|(?P<name>{_PART}(?:\s*\.\s*{_PART})*)", re.DOTALL)


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


def without_strings(sql: str) -> str:
    """Give the text with a space for every string and comment."""
    return _TOKEN.sub(lambda match: " " if match["skipped"] is not None else match[0], sql)


def _split(text: str) -> tuple[str, ...]:
    parts = text.replace("`", "").split(".")
    return tuple(part.strip() for part in parts if part.strip())
