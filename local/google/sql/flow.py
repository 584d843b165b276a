"""A script without its control flow: the statements and the conditions that it holds, each as one to read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from local.google.sql.names import tokens, without_leading_comments

_ALONE = re.compile(
    r"(?:end(?:\s+(?:if|while|loop|for|repeat|case))?|break|leave|continue|iterate|return|raise\b.*)\s*$",
    re.IGNORECASE | re.DOTALL,
)
_OPENING = re.compile(
    r"(?:begin(?!\s+transaction\b)(?=\s+\S)|else|loop|repeat|exception\s+when\s+error\s+then)\s+",
    re.IGNORECASE,
)
_CONDITION = re.compile(r"(?P<word>if|elseif|while|when|until|case\s+when)\b", re.IGNORECASE)
_FOR = re.compile(r"for\s+\w+\s+in\b", re.IGNORECASE)
_ASSERT = re.compile(r"assert\b", re.IGNORECASE)


def flattened(sql: str) -> Iterator[str]:
    """Give each statement of a script; a condition is the SELECT of it."""
    for piece in _pieces(sql):
        yield from _peeled(piece.strip())


def _pieces(sql: str) -> Iterator[str]:
    start = 0
    for token in tokens(sql):
        if token[0] == ";":
            yield sql[start : token.start()]
            start = token.end()
    yield sql[start:]


def _peeled(text: str) -> Iterator[str]:
    while text:
        text = without_leading_comments(text)
        if _ALONE.match(text):
            return
        opening = _OPENING.match(text)
        if opening:
            text = text[opening.end() :].lstrip()
            continue
        word = "do" if _FOR.match(text) or text[:5].lower() == "while" else "then"
        begun = _FOR.match(text) or _CONDITION.match(text)
        if begun is None:
            break
        end = _word_at_the_top(text, word, begun.end())
        condition = text[begun.end() : end if end is not None else len(text)].strip()
        if end is None and not text.lower().startswith("until"):
            break
        if condition:
            yield f"SELECT {condition}"
        text = text[end + len(word) :].lstrip() if end is not None else ""
    if _ASSERT.match(text):
        end = _word_at_the_top(text, "as", 6)
        text = f"SELECT {text[6:end]}"
    if text:
        yield text


def _word_at_the_top(text: str, word: str, start: int) -> int | None:
    """Give where a word stands outside of parentheses and CASE … END."""
    depth = 0
    for token in tokens(text):
        if token.start() < start:
            continue
        found = token[0].lower()
        depth += (found in ("(", "case")) - (found in (")", "end"))
        if depth == 0 and found == word:
            return token.start()
    return None
