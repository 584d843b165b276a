"""`python -m providers.catalog.schemas [--check] [package.module:Class …]`: write the committed schemas.

Without classes: the types that `providers.kinds.dbt_blocks` has helpers for. `--check` writes nothing and
fails where a file is out of date. Needs the libraries of the block types installed.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

from providers.catalog.schemas import HERE

IN_USE = (
    "prefect_gcp.credentials:GcpCredentials",
    "prefect_dbt.cli.configs.bigquery:BigQueryTargetConfigs",
    "prefect_dbt.cli.credentials:DbtCliProfile",
)
TYPE_FIELDS = ("name", "slug", "logo_url", "documentation_url", "description", "code_example")
SCHEMA_FIELDS = ("checksum", "version", "capabilities", "fields")


def load(spec: str) -> Any:
    """Import `package.module:Class`."""
    module, _, name = spec.partition(":")
    return getattr(importlib.import_module(module), name)


def blocks_in(annotation: Any) -> list[Any]:
    """List the block classes that a field's annotation mentions, as Prefect's own registration finds them."""
    core = importlib.import_module("prefect.blocks.core")
    if core.Block.is_block_class(annotation):
        return [annotation]
    # Its own idea of what is nested: it does not look into `Annotated`, so not into a profile's target.
    return [block for inner in core._nested_type_args(annotation) for block in blocks_in(inner)]


def describe(block: Any) -> dict[str, Any]:
    """Return the document of one block class; raise nothing that Prefect's registration would not."""
    schema = block._to_block_schema(block_type_id=UUID(int=0)).model_dump(
        mode="json", include=set(SCHEMA_FIELDS)
    )
    schema["capabilities"] = sorted(schema["capabilities"])
    block_type = block._to_block_type().model_dump(mode="json", include=set(TYPE_FIELDS))
    return {
        "block_type": {field: block_type[field] for field in TYPE_FIELDS},
        "schema": {field: schema[field] for field in SCHEMA_FIELDS},
        "nested": [inner.get_block_type_slug() for inner in nested(block)],
    }


def nested(block: Any) -> list[Any]:
    """List the block classes directly inside a block class, in the order of its fields."""
    found = [inner for field in block.model_fields.values() for inner in blocks_in(field.annotation)]
    return list(dict.fromkeys(found))


def collect(blocks: list[Any]) -> dict[str, str]:
    """Return file name -> text for the blocks and all that they hold."""
    texts: dict[str, str] = {}
    waiting = list(blocks)
    while waiting:
        block = waiting.pop()
        name = f"{block.get_block_type_slug()}.json"
        if name not in texts:
            texts[name] = json.dumps(describe(block), indent=1, ensure_ascii=False) + "\n"
            waiting += nested(block)
    return texts


def outdated(texts: dict[str, str], directory: Path) -> list[str]:
    """List the files whose text in the directory is not the one given."""
    return sorted(
        name
        for name, text in texts.items()
        if not (directory / name).is_file() or (directory / name).read_text(encoding="utf-8") != text
    )


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return 1 where `--check` finds a difference."""
    parser = argparse.ArgumentParser(prog="python -m providers.catalog.schemas", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail if a file is out of date")
    parser.add_argument("classes", nargs="*", default=list(IN_USE), help="package.module:Class")
    options = parser.parse_args(arguments)
    texts = collect([load(spec) for spec in options.classes])
    stale = outdated(texts, HERE)
    if options.check:
        for name in stale:
            print(
                f"error: providers/catalog/schemas/{name} is out of date; "
                "run python -m providers.catalog.schemas",
                file=sys.stderr,
            )
        return 1 if stale else 0
    for name in stale:
        (HERE / name).write_text(texts[name], encoding="utf-8")
        print(f"wrote providers/catalog/schemas/{name}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
