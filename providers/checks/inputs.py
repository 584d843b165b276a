"""Find what is wrong with an object's inputs before anything is sent. Unknown values are never wrong."""

from __future__ import annotations

import difflib
import re
import zoneinfo
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from providers.checks.block_data import _schema_problems
from providers.values import UNKNOWN

# The rule of most of Prefect's names (prefect.types.names).
BANNED = re.compile(r"[/%&><]")


def schema_problems(inputs: Mapping[str, Any], schema: Mapping[str, Any]) -> list[str]:
    """List what does not fit the kind's schema, each beginning with the input's path."""
    return [problem.removeprefix("data.") for problem in _schema_problems(inputs, schema)]


def unknown_fields(path: str, given: Mapping[str, Any], known: Iterable[str], what: str) -> Iterator[str]:
    """List the fields that there are not, each with the nearest right one. Prefect would ignore them."""
    names = sorted(known)
    for name in given:
        if name not in names:
            close = nearest(name, names)
            hint = f"did you mean {close!r}?" if close else f"it has {', '.join(names)}"
            yield f"{path}.{name}: {what} has no such field; {hint}"


def nearest(name: Any, known: Iterable[str], *, likeness: float = 0.6) -> str | None:
    """Return what somebody may have meant; a likeness of 1 is the same name."""
    return next(iter(difflib.get_close_matches(str(name), list(known), n=1, cutoff=likeness)), None)


def name_problems(field: str, name: Any) -> list[str]:
    """List what is wrong with a name."""
    if name == UNKNOWN or (isinstance(name, str) and name.strip() and not BANNED.search(name)):
        return []
    return [f"{field}: {name!r} must be a name, without / % & > <"]


def any_name_problems(field: str, name: Any) -> list[str]:
    """List what is wrong with a name that may have any characters."""
    if name == UNKNOWN or (isinstance(name, str) and name.strip()):
        return []
    return [f"{field}: {name!r} must be a name"]


def time_zone_problems(field: str, zone: Any) -> list[str]:
    """List what is wrong with the name of a time zone."""
    if zone in {None, UNKNOWN} or zone in zoneinfo.available_timezones():
        return []
    return [f"{field}: {zone!r} is no time zone, such as Europe/Paris or UTC"]
