"""Which settings of a stack a dbt project still needs, and the commands that make them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flows.project import needs as needed
from flows.project import stack as stacks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from flows.project.needs import Needs, Place
    from flows.project.stack import Stack


@dataclass(frozen=True)
class Setting:
    """One addition: to the list ``name`` the ``value``, or, for a map, ``value`` as a key of it.

    ``known`` is whether the value can be written by a program: of a variable only its owner knows it.
    """

    name: str
    value: str
    why: str
    known: bool = True


def settings(
    stack: Stack, needs: Needs, variables: Mapping[str, bool], environment: Iterable[str] = ()
) -> list[Setting]:
    """Return what lacks in the stack's file. ``environment`` are variables that are set otherwise."""
    writes = {stack.main} | stack.places(stack.datasets)
    reads = writes | {stack.raw} | stack.places(stack.read_datasets)
    granting = stack.places(stack.granting_datasets)
    found = [
        Setting("datasets", stack.entry(place), f"dbt writes {_some(nodes)} to it")
        for place, nodes in sorted(needs.writes.items())
        if place not in writes
    ]
    written = writes | set(needs.writes)
    found += [
        Setting("readDatasets", stack.entry(place), f"dbt reads {_some(sources)} from it")
        for place, sources in sorted(needs.reads.items())
        if place not in reads | written
    ]
    for place, reasons in sorted(needs.grants.items()):
        if place not in granting:
            if place not in reads | written | set(needs.reads):
                found.append(Setting("readDatasets", stack.entry(place), f"{_some(reasons)} is about it"))
            found.append(
                Setting("grantingDatasets", stack.entry(place), f"{_some(reasons)} gives access in it")
            )
    if needs.python:
        found += [
            Setting("dbtProfile", name, f"the Python model {_some(needs.python)} runs by it", known=False)
            for name in needed.PYTHON_SETTINGS
            if not {name, *_OLDER.get(name, ())} & stack.profile.keys()
        ]
    there = stack.variables | set(environment)
    found += [
        Setting("dbtEnvironment", name, f"env_var('{name}') has no default", known=False)
        for name, required in variables.items()
        if required and name not in there
    ]
    return found


_SHORT = 60
# Names that dbt-bigquery takes as well.
_OLDER = {"compute_region": ("dataproc_region",)}


def commands(stack: Stack, lacking: Iterable[Setting]) -> list[str]:
    """Return the `pulumi config set` lines, in their order; each list goes on where it ends in the file."""
    lengths = {
        "datasets": len(stack.datasets),
        "readDatasets": len(stack.read_datasets),
        "grantingDatasets": len(stack.granting_datasets),
    }
    lines = []
    for one in lacking:
        prefix = f"pulumi config set --path '{stacks.namespace()}:{one.name}"
        if one.name in lengths:
            lines.append(f"{prefix}[{lengths[one.name]}]' {one.value} -s {stack.target}")
            lengths[one.name] += 1
        else:
            # What is secret takes `--secret` too.
            lines.append(f"{prefix}.{one.value}' VALUE -s {stack.target}")
    return lines


def write(stack: Stack, lacking: Iterable[Setting]) -> list[Setting]:
    """Put what a program can know into the stack's file; return what is left for a person."""
    lists: dict[str, list[str]] = {}
    left = []
    for one in lacking:
        if one.known:
            lists.setdefault(one.name, []).append(one.value)
        else:
            left.append(one)
    for name, values in lists.items():
        stacks.add(stack.file, name, values)
    return left


def name_of(place: Place) -> str:
    """Return a dataset as BigQuery writes it."""
    return ".".join(place)


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 2} more" if len(names) > 2 else ""
    return ", ".join(short(name) for name in names[:2]) + more


def short(name: str) -> str:
    """Return a name that fits into a line; BigQuery's have up to 1024 characters."""
    return name if len(name) <= _SHORT else f"{name[:_SHORT]}…"
