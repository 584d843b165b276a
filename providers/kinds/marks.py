"""The mark of the stack that owns an object: one of its tags, or a keyword in a JSON Schema of its own."""

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
