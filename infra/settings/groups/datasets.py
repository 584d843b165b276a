"""The datasets of an environment: which dbt writes, which it only reads, which exist already."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, ValidationInfo

from infra.settings.values import Texts

# https://cloud.google.com/bigquery/docs/datasets#dataset-naming
NAME = re.compile(r"\w{1,1024}", re.ASCII)
# https://cloud.google.com/resource-manager/docs/creating-managing-projects; older ones may have a domain.
PROJECT = r"^(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$"
RAW = "_raw"
_DROPPED = re.compile(r"(?:[a-z0-9.:-]+\.)?\w{1,1024}@[A-Za-z0-9-]+", re.ASCII)


@dataclass(frozen=True)
class Dataset:
    """One dataset, and what it is to dbt and to the stack.

    Attributes:
        key: what the stack's resources know it by: the entry in the settings, or `dataset`, `raw-dataset`.
        project: the Google project that it is in.
        dataset_id: its name there.
        written: whether dbt writes to it; if not, it only reads.
        made: whether the stack makes it; if not, it is there, and the stack only grants.
        raw: whether it holds what people or programs have loaded, and not what dbt can build again.
        granting: whether dbt itself may let others in.
    """

    key: str
    project: str
    dataset_id: str
    written: bool = True
    made: bool = True
    raw: bool = False
    granting: bool = False

    @property
    def role(self) -> str:
        """Dbt's role on it, and on nothing else."""
        if self.granting:
            return "roles/bigquery.dataOwner"
        return "roles/bigquery.dataEditor" if self.written else "roles/bigquery.dataViewer"


def check_main(value: str, info: ValidationInfo) -> str:
    """Return the main dataset's name, made of project and environment where it is empty."""
    project, environment = info.data.get("project"), info.data.get("environment")
    if not value and project and environment:
        value = re.sub(r"[^A-Za-z0-9]", "_", f"{project}_{environment}")
    if value or (project and environment):
        _check_name(value, f"{value}{RAW}")
    return value


def place(entry: str, dataset: str, project: str) -> tuple[str, str]:
    """Return project and name of the dataset that an entry means: `_x`, a name, or `project.name`."""
    in_project, dot, name = entry.rpartition(".")
    return (in_project if dot else project), (
        f"{dataset}{name}" if name.startswith("_") and not dot else name
    )


def of(
    dataset: str,
    project: str,
    *,
    written: Sequence[str],
    read: Sequence[str],
    existing: Sequence[str],
    granting: Sequence[str],
) -> list[Dataset]:
    """Return all datasets: the main one, the raw one, and then those that the settings add."""

    def places(entries: Sequence[str]) -> set[tuple[str, str]]:
        return {place(entry, dataset, project) for entry in entries}

    writes, exist, grants = places(written), places(existing), places(granting)
    main, raw = (project, dataset), (project, f"{dataset}{RAW}")
    found = {
        main: Dataset("dataset", *main, made=main not in exist, granting=main in grants),
        raw: Dataset(
            "raw-dataset",
            *raw,
            written=raw in writes,
            made=raw not in exist,
            raw=True,
            granting=raw in grants,
        ),
    }
    for entry in (*written, *read):
        at = place(entry, dataset, project)
        made = entry in written and at not in exist
        found.setdefault(at, Dataset(entry, *at, written=entry in written, made=made, granting=at in grants))
    return list(found.values())


def _check_written(entries: list[str], info: ValidationInfo) -> list[str]:
    for entry, at in _checked(entries, info):
        if at == _main(info):
            raise ValueError(f"{entry!r} is the main dataset: dbt writes to it anyway")
    return entries


def _check_read(entries: list[str], info: ValidationInfo) -> list[str]:
    writes = {at: entry for entry, at in _checked(info.data.get("datasets", []), info)}
    for entry, at in _checked(entries, info):
        if at == _main(info) or at in writes:
            raise ValueError(f"{entry!r} is a dataset that dbt writes to, so it reads it anyway")
        if at == _raw(info):
            raise ValueError(f"{entry!r} is the dataset of raw data: dbt reads it anyway")
    return entries


def _check_existing(entries: list[str], info: ValidationInfo) -> list[str]:
    made = {_main(info), _raw(info), *(at for _, at in _checked(info.data.get("datasets", []), info))}
    for entry, at in _checked(entries, info):
        if "datasets" in info.data and at not in made:
            raise ValueError(
                f"{entry!r} is none that the stack would make: of these, name those that exist already: "
                f"{_listed(made, info)}. One that dbt only reads belongs to `readDatasets` alone"
            )
    return entries


def _check_granting(entries: list[str], info: ValidationInfo) -> list[str]:
    used = [*info.data.get("datasets", []), *info.data.get("read_datasets", [])]
    all_ = {_main(info), _raw(info), *(at for _, at in _checked(used, info))}
    for entry, at in _checked(entries, info):
        if {"datasets", "read_datasets"} <= info.data.keys() and at not in all_:
            raise ValueError(f"{entry!r} is none of this stack's datasets: {_listed(all_, info)}")
    return entries


def _checked(entries: Sequence[str], info: ValidationInfo) -> list[tuple[str, tuple[str, str]]]:
    """Return each entry with its place; raise ValueError for one that can be no dataset, or comes twice."""
    found: dict[tuple[str, str], str] = {}
    project, dataset = _main(info)
    for entry in entries:
        at = place(entry, dataset, project)
        _check_name(entry.rpartition(".")[2], at[1])
        if "." in entry and not re.fullmatch(PROJECT, at[0]):
            raise ValueError(f"{entry!r}: {at[0]!r} is no Google project; write `project.dataset`")
        if at in found:
            raise ValueError(f"{entry!r} is there twice" + (f", as {found[at]!r} too" * (found[at] != entry)))
        found[at] = entry
    return [(entry, at) for at, entry in found.items()]


def _check_name(name: str, whole: str) -> None:
    if not NAME.fullmatch(name):
        raise ValueError(
            f"{name!r} is no dataset name: letters, digits and _ only"
            + (f"; try {re.sub('[^A-Za-z0-9_]', '_', name)}" if name else "")
        )
    if not NAME.fullmatch(whole):
        raise ValueError(f"{whole[:40]}… is longer than the 1024 characters of a dataset's name")


def _main(info: ValidationInfo) -> tuple[str, str]:
    return info.data.get("project", ""), info.data.get("dataset", "")


def _raw(info: ValidationInfo) -> tuple[str, str]:
    project, dataset = _main(info)
    return project, f"{dataset}{RAW}"


def _listed(places: set[tuple[str, str]], info: ValidationInfo) -> str:
    own = info.data.get("project")
    return ", ".join(sorted(name if project == own else f"{project}.{name}" for project, name in places))


def _check_dropped(entries: list[str]) -> list[str]:
    for entry in entries:
        if not _DROPPED.fullmatch(entry):
            raise ValueError(f"{entry!r} is no dataset with its location, such as my_dataset@EU")
    return entries


Main = Annotated[str, AfterValidator(check_main)]
Written = Annotated[Texts, AfterValidator(_check_written)]
Read = Annotated[Texts, AfterValidator(_check_read)]
Existing = Annotated[Texts, AfterValidator(_check_existing)]
Granting = Annotated[Texts, AfterValidator(_check_granting)]
Dropped = Annotated[Texts, AfterValidator(_check_dropped)]
