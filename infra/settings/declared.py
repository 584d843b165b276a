"""The settings as `Pulumi.yaml` declares them and `docs/settings.md` lists them, both made from the model."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import yaml

from infra.settings.model import GIVEN, Settings
from infra.settings.project import FILE, ROOT

DOCS = ROOT / "docs" / "settings.md"
PULUMI = ROOT / FILE
_BEGIN, _END = "<!-- from infra/settings/model.py -->", "<!-- end -->"


def names() -> set[str]:
    """The names of all settings, without the namespace."""
    return {name for name, _ in _properties()}


def parts(name: str, path: tuple[int | str, ...]) -> set[str]:
    """The names that the objects within a setting's list may have, at a path of numbers and names."""
    schema = _schema()
    found = schema["properties"][name]
    for _ in (part for part in path[:-1] if isinstance(part, int)):
        nested = next(
            (one for one in path[:-1] if isinstance(one, str) and one in found.get("properties", {})), None
        )
        found = _resolved((found["properties"][nested] if nested else found).get("items", found))
    return set(found.get("properties", {}))


def pulumi_yaml() -> str:
    """`Pulumi.yaml` with the settings as the model has them; what comes before them stays as it is."""
    head = PULUMI.read_text(encoding="utf-8").split("\nconfig:\n")[0].rstrip("\n")
    config = {name: _declaration(schema) for name, schema in _properties()}
    body = yaml.safe_dump({"config": config}, sort_keys=False, width=10_000, allow_unicode=True)
    return f"{head}\n{body}"


def docs() -> str:
    """`docs/settings.md` with the table as the model has it; the rest stays as it is."""
    before, _, rest = DOCS.read_text(encoding="utf-8").partition(_BEGIN)
    rows = [f"| setting `{'…'}` | type | default | |", "|---|---|---|---|"]
    rows[0] = "| setting | type | default | |"
    rows += [_row(name, _declaration(schema)) for name, schema in _properties()]
    table = "\n".join(rows)
    return f"{before}{_BEGIN}\n{table}\n{_END}{rest.partition(_END)[2]}"


def files() -> dict[Path, str]:
    """What each file that is made from the model has to hold."""
    return {PULUMI: pulumi_yaml(), DOCS: docs()}


def _row(name: str, declared: dict[str, Any]) -> str:
    default = declared["default"]
    text = default if isinstance(default, str) else json.dumps(default)
    return f"| `{name}` | {declared['type']} | {f'`{text}`' if text else ''} | {declared['description']} |"


def _declaration(schema: dict[str, Any]) -> dict[str, Any]:
    kind = schema["type"]
    items = {"items": {"type": _resolved(schema["items"])["type"]}} if kind == "array" else {}
    return {"type": kind, **items, "default": schema["default"], "description": schema["description"]}


def _properties() -> list[tuple[str, dict[str, Any]]]:
    given = {Settings.model_fields[name].alias or name for name in GIVEN}
    return [(name, schema) for name, schema in _schema()["properties"].items() if name not in given]


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    return dict(_schema()["$defs"][name]) if name else schema


@functools.cache
def _schema() -> dict[str, Any]:
    return Settings.model_json_schema()
