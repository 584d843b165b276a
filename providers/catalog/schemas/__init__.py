"""Block types and schemas as the installed libraries define them, committed as JSON.

Importing `prefect_gcp` and `prefect_dbt` to ask them takes about 20 s, so each type is one file here,
`<slug>.json`:

    {"block_type": {name, slug, logo_url, documentation_url, description, code_example},
     "schema": {"checksum", "version", "capabilities", "fields"},
     "nested": [slugs of the block types that its fields can hold]}

`python -m providers.catalog.schemas` writes them anew; give it `package.module:Class` to add another block
type. A test compares them with the libraries.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


@dataclass(frozen=True)
class BlockKind:
    """A block type together with one version of its schema, ready to be registered."""

    slug: str
    block_type: dict[str, Any]
    checksum: str
    version: str
    capabilities: list[str]
    fields: dict[str, Any]
    nested: tuple[str, ...]


@functools.cache
def committed(slug: str) -> BlockKind | None:
    """Return the committed kind for a block type's slug, or None where this project has none."""
    path = HERE / f"{slug}.json"
    # A slug is user input: it must name a file of this directory and no other.
    if path.parent != HERE or not path.is_file():
        return None
    document = json.loads(path.read_text(encoding="utf-8"))
    schema = document["schema"]
    return BlockKind(
        slug=slug,
        block_type=document["block_type"],
        checksum=schema["checksum"],
        version=schema["version"],
        capabilities=schema["capabilities"],
        fields=schema["fields"],
        nested=tuple(document["nested"]),
    )
