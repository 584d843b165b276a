"""`Pulumi.<env>.yaml`, read to say which line a mistake is on, and which entries of a map are secret."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

SECURE = "secure"


@dataclass(frozen=True)
class StackFile:
    """The settings in a stack's file by their path, such as `x:datasets[0]`, and their lines, from 1."""

    name: str
    lines: dict[str, int] = field(default_factory=dict)
    secret: frozenset[str] = frozenset()

    def names(self, namespace: str) -> set[str]:
        """The settings of one namespace that stand in the file, without their prefix."""
        prefix = f"{namespace}:"
        found = {key.removeprefix(prefix) for key in self.lines if key.startswith(prefix)}
        return {name for name in found if not set(name) & set(".[")}

    def where(self, key: str) -> str:
        """`Pulumi.dev.yaml line 4 (projet-m2-bi:threads)`; of what has no line, that of what it is in."""
        whole = key
        while whole not in self.lines and (cut := max(whole.rfind("."), whole.rfind("["))) > 0:
            whole = whole[:cut]
        line = self.lines.get(whole)
        return f"{self.name} line {line} ({key})" if line else f"{self.name} ({key})"


def read(name: str) -> StackFile:
    """Read a stack's file; one that is absent or unreadable has no lines (the engine has read it already)."""
    try:
        root = yaml.compose(Path(name).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError):
        return StackFile(name)
    if not isinstance(root, yaml.MappingNode):
        return StackFile(name)
    lines: dict[str, int] = {}
    secret = set()
    for key, value in root.value:
        if key.value == "config" and isinstance(value, yaml.MappingNode):
            for entry, content in value.value:
                for path, line, is_secret in _entries(entry.value, entry, content):
                    lines[path] = line
                    if is_secret:
                        secret.add(path)
    return StackFile(name, lines, frozenset(secret))


def _entries(path: str, at: Any, content: Any) -> Iterator[tuple[str, int, bool]]:
    """Yield path, line and whether it is secret, of an entry and of all that is in it."""
    keys = [key.value for key, _ in content.value] if isinstance(content, yaml.MappingNode) else []
    secret = keys == [SECURE]
    yield path, at.start_mark.line + 1, secret
    if secret:
        return
    if isinstance(content, yaml.MappingNode):
        for key, value in content.value:
            yield from _entries(f"{path}.{key.value}", key, value)
    if isinstance(content, yaml.SequenceNode):
        for number, value in enumerate(content.value):
            yield from _entries(f"{path}[{number}]", value, value)
