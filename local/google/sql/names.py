"""The dotted names in a piece of SQL, read without a grammar: not those in strings and comments."""

from __future__ import annotations

import re
from collections.abc import Iterator
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


_ANY = re.compile(rf"{_SKIPPED}|`[^`]*`|\w+|[^\s\w]", re.DOTALL)


def tokens(sql: str) -> Iterator[re.Match[str]]:
    """Give words, signs, and strings and comments whole."""
    return _ANY.finditer(sql)


def without_leading_comments(sql: str) -> str:
    """Give the text from its first word on: dbt puts a comment before each statement."""
    for token in tokens(sql):
        if token[0][:2] not in ("--", "/*") and token[0][:1] != "#":
            return sql[token.start() :]
    return ""


_END = re.compile(rf"(?P<skipped>{_SKIPPED}|`[^`]*`)|(?P<end>;)|(?P<word>\w+)", re.DOTALL)


def statements(sql: str) -> list[str]:
    """Split a script at its semicolons. What BEGIN, IF and loops enclose stays together."""
    pieces, start, depth, before = [], 0, 0, ""
    for match in _END.finditer(sql):
        word = (match["word"] or "").upper()
        if word in ("BEGIN", "IF", "CASE", "LOOP", "WHILE", "FOR", "REPEAT"):
            depth += _opens(word, sql, match.end(), before)
        elif word == "END" and depth:
            depth -= 1
        elif match["end"] and depth == 0:
            pieces.append(sql[start : match.start()])
            start = match.end()
        if match["skipped"] is None:
            before = word or ";"
    pieces.append(sql[start:])
    return [piece.strip() for piece in pieces if without_strings(piece).strip()]


def _opens(word: str, sql: str, position: int, before: str) -> int:
    """Tell whether a word opens a block that END closes: 1 or 0."""
    following = sql[position:].lstrip()
    first = before in ("", ";", "THEN", "ELSE", "DO", "LOOP", "BEGIN", "REPEAT")
    if word == "CASE":
        return 0 if before == "END" else 1
    if word == "BEGIN":
        return 0 if following[:11].upper().startswith("TRANSACTION") or following[:1] in (";", "") else 1
    if before == "END":
        return 0
    return 1 if first else 0
