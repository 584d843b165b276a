"""The kinds of objects by the names that states hold: a kind's module has its name, with `_` for `-`."""

from __future__ import annotations

import importlib

from providers.kinds.kind import Kind


def kind_named(name: str) -> Kind:
    """Return a kind, of which each module defines one as `KIND`. Its name is never changed."""
    kind: Kind = importlib.import_module(f"providers.kinds.{name.replace('-', '_')}").KIND
    return kind
