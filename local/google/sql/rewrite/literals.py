r"""Strings in one form: sqlglot does not read the escapes of '''…''', nor \x, \u and octal ones.

Source: https://cloud.google.com/bigquery/docs/reference/standard-sql/lexical#escape_sequences
"""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"#[^\n]*|--[^\n]*|/\*.*?\*/|`[^`]*`"
    r"|(?P<prefix>[rRbB]{0,2})"
    r"(?P<text>\"\"\"(?:\\.|[^\\])*?\"\"\"|'''(?:\\.|[^\\])*?'''|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*')",
    re.DOTALL,
)
_ESCAPE = re.compile(
    r"\\(?:x(?P<x>[0-9a-fA-F]{2})|X(?P<x2>[0-9a-fA-F]{2})|u(?P<u>[0-9a-fA-F]{4})|U(?P<u2>[0-9a-fA-F]{8})"
    r"|(?P<o>[0-7]{3})|(?P<c>.))",
    re.DOTALL,
)
_LETTERS = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_WRITTEN = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_SPECIAL = re.compile(r"\\[xXuU0-7]")


def plain(sql: str) -> str:
    """Give the SQL with every string that sqlglot would misread written as '…'; others stay."""
    return _TOKEN.sub(_written, sql) if "\\" in sql or "'''" in sql or '"""' in sql else sql


def _written(token: re.Match[str]) -> str:
    text = token["text"]
    if text is None:
        return token[0]
    prefix = token["prefix"].lower()
    long = text[:3] in ('"""', "'''")
    inner = text[3:-3] if long else text[1:-1]
    if not long and not _SPECIAL.search(inner):
        return token[0]
    value = inner if "r" in prefix else _ESCAPE.sub(_character, inner)
    if "b" in prefix:
        # \xff is a byte, not a character.
        return f"from_hex('{_octets(inner, raw='r' in prefix).hex()}')"
    return "'" + "".join(_WRITTEN.get(character, character) for character in value) + "'"


def _character(escape: re.Match[str]) -> str:
    code = escape["x"] or escape["x2"] or escape["u"] or escape["u2"]
    if code:
        return chr(int(code, 16))
    return chr(int(escape["o"], 8)) if escape["o"] else _LETTERS.get(escape["c"], escape["c"])


def _octets(inner: str, *, raw: bool) -> bytes:
    if raw:
        return inner.encode()
    found, position = bytearray(), 0
    for escape in _ESCAPE.finditer(inner):
        found += inner[position : escape.start()].encode()
        position = escape.end()
        character = _character(escape)
        found += bytes([ord(character)]) if escape["x"] or escape["x2"] or escape["o"] else character.encode()
    return bytes(found + inner[position:].encode())
