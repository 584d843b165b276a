"""When a schedule is due, by the libraries that Prefect itself asks."""

from __future__ import annotations

import datetime
import functools
import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from providers.values import UNKNOWN

# What croniter takes and Prefect does not (prefect._internal.schemas.validators.validate_cron_string).
RANDOM = {"r", "h"}
EXAMPLE = "such as '0 2 * * *'"


def cron_problems(field: str, cron: Any, *, day_or: bool = True) -> list[str]:
    """List what is wrong with a cron line: Prefect would refuse it, or it never comes."""
    if cron == UNKNOWN:
        return []
    croniter = _croniter()
    text = str(cron)
    try:
        croniter.croniter.expand(text)
        read = not RANDOM & {part.casefold() for part in text.split()}
        why = "" if read else ": Prefect takes no random times"
    except (ValueError, AttributeError) as error:
        read, why = False, f": {str(error).rstrip('.')}"
    if not read or not croniter.croniter.is_valid(text):
        return [f"{field}: {cron!r} is no cron line, {EXAMPLE}{why}"]
    try:
        croniter.croniter(text, datetime.datetime.now(), day_or=day_or).get_next()
    except croniter.CroniterBadDateError:
        return [f"{field}: {cron!r} never comes: no day that there is fits it"]
    return []


def rrule_problems(field: str, rrule: Any) -> list[str]:
    """List what is wrong with a recurrence rule."""
    if rrule == UNKNOWN:
        return []
    dateutil = importlib.import_module("dateutil.rrule")
    try:
        dateutil.rrulestr(str(rrule))
    except (ValueError, AttributeError, KeyError) as error:
        return [f"{field}: {rrule!r} is no recurrence rule, such as 'FREQ=WEEKLY;BYDAY=MO': {error}"]
    return []


@functools.cache
def _croniter() -> ModuleType:
    """Return the croniter that Prefect 3.9.1 brings along, without the import of Prefect around it: 2 s."""
    prefect = importlib.util.find_spec("prefect")
    if prefect is None or prefect.origin is None:
        raise ImportError("prefect is not installed")
    file = Path(prefect.origin).parent / "_vendor" / "croniter" / "__init__.py"
    name = "prefect_croniter"
    spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=[str(file.parent)])
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} can't be loaded")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
