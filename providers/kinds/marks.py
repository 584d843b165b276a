"""The mark of the stack that owns an object: a tag, a keyword in a schema, or a description's last line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

PREFIX = "pulumi-stack:"
# JSON Schema leaves keywords alone that it does not know.
KEYWORD = "x-pulumi-stack"


def named(owner: str) -> str:
    """Name a mark's stack to people."""
    return f"the Pulumi stack {owner.partition('#')[0]}"


def marked(tags: Iterable[str], owner: str | None) -> list[str]:
    """Return the tags with the owner's mark, if there is an owner."""
    return [*tags, f"{PREFIX}{owner}"] if owner else list(tags)


def unmarked(tags: Iterable[str]) -> tuple[list[str], str | None]:
    """Return the tags without any mark, and the owner that the first mark names."""
    own = [tag for tag in tags if not tag.startswith(PREFIX)]
    owners = [tag.removeprefix(PREFIX) for tag in tags if tag.startswith(PREFIX)]
    return own, owners[0] if owners else None


def marked_schema(schema: Mapping[str, Any], owner: str | None) -> dict[str, Any]:
    """Return the schema with the owner's mark, if there is an owner."""
    return {**schema, KEYWORD: owner} if owner else dict(schema)


def unmarked_schema(schema: Mapping[str, Any] | None) -> tuple[dict[str, Any], str | None]:
    """Return the schema without a mark, and the owner that the mark names."""
    own = dict(schema or {})
    owner = own.pop(KEYWORD, None)
    return own, owner


def marked_text(text: str | None, owner: str | None) -> str:
    """Return a description with the owner's mark as its last line, if there is an owner."""
    return "\n".join([*filter(None, [text]), f"{PREFIX}{owner}"]) if owner else text or ""


def unmarked_text(text: str | None) -> tuple[str, str | None]:
    """Return a description without a mark, and the owner that the mark names."""
    own, _, last = (text or "").rpartition("\n")
    return (own, last.removeprefix(PREFIX)) if last.startswith(PREFIX) else (text or "", None)
