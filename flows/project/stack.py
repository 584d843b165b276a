"""The settings of a target in `Pulumi.<target>.yaml`, as far as they are about the dbt project.

Infrastructure is not imported: the file is read, and added to, as text. Which settings there are is said in
Pulumi.yaml.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from flows.errors import NotSetUpError
from flows.project.needs import Place
from flows.target import names

_ENVIRONMENT = re.compile(r"Pulumi\.([a-z0-9-]+)\.yaml")


def namespace() -> str:
    """Return the name of the Pulumi project, by which all of its settings begin."""
    found = _mapping(names.PROJECT_ROOT / "Pulumi.yaml").get("name")
    return found if isinstance(found, str) else "projet-m2-bi"


def all_targets() -> list[str]:
    """Return the targets that have a stack file here, sorted."""
    files = (_ENVIRONMENT.fullmatch(path.name) for path in names.PROJECT_ROOT.glob("Pulumi.*.yaml"))
    return sorted(match.group(1) for match in files if match)


@dataclass(frozen=True)
class Stack:
    """What a stack's file says. Lists hold dataset entries: `_x` for <dataset>_x, a name, `project.name`."""

    target: str
    file: Path
    project: str
    dataset: str
    datasets: list[str] = field(default_factory=list)
    read_datasets: list[str] = field(default_factory=list)
    granting_datasets: list[str] = field(default_factory=list)
    profile: dict[str, Any] = field(default_factory=dict)
    variables: frozenset[str] = frozenset()
    project_dir: str = ""
    threads: int = 1
    location: str = "EU"

    @property
    def main(self) -> Place:
        """The dataset that dbt writes to unless the project says otherwise."""
        return self.project, self.dataset

    @property
    def raw(self) -> Place:
        """The dataset of raw data, which dbt may read."""
        return self.project, f"{self.dataset}_raw"

    def place(self, entry: str) -> Place:
        """Return the dataset that an entry of a list means."""
        in_project, dot, name = entry.rpartition(".")
        if dot:
            return in_project, name
        return self.project, f"{self.dataset}{name}" if name.startswith("_") else name

    def entry(self, place: Place) -> str:
        """Return the shortest entry that means a dataset."""
        project, name = place
        if project != self.project:
            return f"{project}.{name}"
        if name.startswith(f"{self.dataset}_"):
            return name.removeprefix(self.dataset)
        return f"{project}.{name}" if name.startswith("_") else name

    def places(self, entries: list[str]) -> set[Place]:
        """Return the datasets that the entries mean."""
        return {self.place(entry) for entry in entries}


def load(target: str) -> Stack | None:
    """Read the stack's file; None where there is none, as in an image. NotSetUpError without a project."""
    file = names.PROJECT_ROOT / f"Pulumi.{target}.yaml"
    if not file.is_file():
        return None
    config = _mapping(file).get("config") or {}
    prefix = f"{namespace()}:"
    own = {key.removeprefix(prefix): value for key, value in config.items() if str(key).startswith(prefix)}
    project = config.get("gcp:project")
    if not isinstance(project, str) or not project:
        raise NotSetUpError(
            f"{file.name} names no Google project: `pulumi config set gcp:project PROJECT -s {target}`."
        )
    return Stack(
        target,
        file,
        project,
        str(own.get("dataset") or re.sub(r"[^A-Za-z0-9]", "_", f"{project}_{target}")),
        datasets=_texts(own.get("datasets")),
        read_datasets=_texts(own.get("readDatasets")),
        granting_datasets=_texts(own.get("grantingDatasets")),
        profile=_object(own.get("dbtProfile")),
        variables=frozenset(_object(own.get("dbtEnvironment"))),
        project_dir=str(own.get("dbtProjectDir") or ""),
        threads=int(own.get("threads") or 1),
        location=str(own.get("location") or "EU"),
    )


def _parsed(value: Any) -> Any:
    """`pulumi config set` without `--path` keeps a list or a map as its JSON."""
    if isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _texts(value: Any) -> list[str]:
    found = _parsed(value)
    return [str(one) for one in found] if isinstance(found, list) else []


def _object(value: Any) -> dict[str, Any]:
    found = _parsed(value)
    return found if isinstance(found, dict) else {}


def _mapping(file: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError:
        return {}
    except (ValueError, yaml.YAMLError) as error:
        raise NotSetUpError(f"{file} is no YAML: {' '.join(str(error).split())}") from error
    return found if isinstance(found, dict) else {}


def add(file: Path, setting: str, values: list[str]) -> None:
    """Add values to a list in a stack's file, and leave every other line, comments too, as it is."""
    text = file.read_text(encoding="utf-8")
    root: Any = yaml.compose(text)
    config = next((value for key, value in _pairs(root) if key.value == "config"), None)
    key = f"{namespace()}:{setting}"
    if not isinstance(config, yaml.MappingNode) or not config.value:
        file.write_text(f"{text.rstrip()}\nconfig:\n{_block(key, values, '  ')}".lstrip(), encoding="utf-8")
        return
    indent = " " * config.value[0][0].start_mark.column
    for name, value in config.value:
        if name.value == key:
            kept = _texts(yaml.safe_load(yaml.serialize(value)))
            end = value.value[-1].end_mark if _is_block(value) else value.end_mark
            new = _block(key, [*kept, *values], indent).strip()
            file.write_text(text[: name.start_mark.index] + new + text[end.index :], encoding="utf-8")
            return
    last = config.value[-1][1]
    while isinstance(last, yaml.CollectionNode) and not last.flow_style and last.value:
        last = last.value[-1][1] if isinstance(last, yaml.MappingNode) else last.value[-1]
    end = text.find("\n", last.end_mark.index)
    cut = len(text) if end < 0 else end + 1
    before = text[:cut] if text[:cut].endswith("\n") else text[:cut] + "\n"
    file.write_text(before + _block(key, values, indent) + text[cut:], encoding="utf-8")


def _pairs(root: Any) -> list[tuple[Any, Any]]:
    return list(root.value) if isinstance(root, yaml.MappingNode) else []


def _is_block(value: Any) -> bool:
    return isinstance(value, yaml.SequenceNode) and not value.flow_style and bool(value.value)


def _block(key: str, values: list[str], indent: str) -> str:
    items = "".join(f"{indent}  - {json.dumps(one) if ':' in one else one}\n" for one in values)
    return f"{indent}{key}:\n{items}"
