"""`Pulumi.<env>.yaml`, read only to say which line a mistake is on."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import yaml


@dataclass(frozen=True)
class StackFile:
    """The settings' names in a stack's file and their lines, counted from 1."""

    name: str
    lines: dict[str, int] = field(default_factory=dict)

    def names(self, namespace: str) -> set[str]:
        """The settings of one namespace that stand in the file, without their prefix."""
        prefix = f"{namespace}:"
        return {key.removeprefix(prefix) for key in self.lines if key.startswith(prefix)}

    def where(self, key: str) -> str:
        """`Pulumi.dev.yaml line 4 (projet-m2-bi:threads)`."""
        line = self.lines.get(key)
        return f"{self.name} line {line} ({key})" if line else f"{self.name} ({key})"


def read(name: str) -> StackFile:
    """Read a stack's file; one that is absent or unreadable has no lines (the engine has read it already)."""
    try:
        root = yaml.compose(Path(name).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError):
        return StackFile(name)
    if not isinstance(root, yaml.MappingNode):
        return StackFile(name)
    lines = {}
    for key, value in root.value:
        if key.value == "config" and isinstance(value, yaml.MappingNode):
            lines = {entry.value: entry.start_mark.line + 1 for entry, _ in value.value}
    return StackFile(name, lines)
