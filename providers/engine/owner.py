"""Whose an object is: a mark that tells this stack from all others, also from one of the same name."""

from __future__ import annotations

import functools
import hashlib
import re
from pathlib import Path

import pulumi

# Random for each stack, and the same for all who work on it.
_KEY = re.compile(r"^(?:encryptionsalt|encryptedkey):\s*(\S+)", re.MULTILINE)


def owner() -> str:
    """Return the mark of the stack whose program is running: `project/stack#digest`.

    The digest is that of the salt or key in the stack's settings file. Where a service manages secrets there
    is none, and the organization is named instead.
    """
    names = [pulumi.get_organization(), pulumi.get_project(), pulumi.get_stack()]
    stack = "/".join(name for name in names if name and name != "organization")
    digest = _digest(Path(f"Pulumi.{pulumi.get_stack()}.yaml").absolute())
    return f"{stack}#{digest}" if digest else stack


@functools.lru_cache(maxsize=8)
def _digest(settings: Path) -> str:
    found = _KEY.search(settings.read_text(encoding="utf-8")) if settings.is_file() else None
    return hashlib.sha256(found[1].encode()).hexdigest()[:8] if found else ""
