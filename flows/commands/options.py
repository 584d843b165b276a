"""What one run is asked to do, checked before anything runs. Pure functions."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import yaml

from flows.errors import NotSetUpError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LONGEST_WAIT = 86_400.0
MOST_THREADS = 64
# The parts of a run that a stack can switch, and whether they are on where nobody says so.
SWITCHES = {
    "seeds": True,
    "snapshots": True,
    "unit_tests": True,
    "freshness": False,
    "show_failing_rows": False,
}


@dataclass(frozen=True)
class Options:
    """The wishes for one run, as `from_parameters` has checked them.

    ``select`` and ``exclude`` are dbt's criteria: one that matches is enough, `a,b` needs both. ``variables``
    is a JSON object, keys sorted, or "" for none. ``wait_seconds`` is how long to wait for another run of the
    same target. ``seeds``, ``snapshots``, ``unit_tests`` and ``freshness`` say whether the run has these
    parts; None leaves that to the target's blocks (`with_switches`). ``show_failing_rows``, whether data goes
    into Prefect, is theirs alone. ``build`` tests each node before what reads it is built. ``selector`` is a
    name in selectors.yml. ``threads`` is None for the profile's. ``empty`` builds tables without rows.
    ``event_time_start`` and ``event_time_end`` are ISO 8601, "" for none: the batches of microbatch models.
    """

    select: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    full_refresh: bool = False
    variables: str = ""
    resume: bool = False
    wait_seconds: float = 0.0
    seeds: bool | None = None
    snapshots: bool | None = None
    unit_tests: bool | None = None
    freshness: bool | None = None
    show_failing_rows: bool | None = None
    build: bool = False
    selector: str = ""
    threads: int | None = None
    empty: bool = False
    event_time_start: str = ""
    event_time_end: str = ""

    def with_switches(self, profile: Mapping[str, Any], block: str) -> Options:
        """Fill in what is not said by the switches of the target, or else by the defaults.

        The switches are extras of the `dbt-cli-global-configs` block that the profile refers to. Raises
        NotSetUpError for one that is no boolean.
        """
        extras = (profile.get("global_configs") or {}).get("extras") or {}
        chosen = {}
        for switch, default in SWITCHES.items():
            own = getattr(self, switch)
            chosen[switch] = own if own is not None else extras.get(switch, default)
            if not isinstance(chosen[switch], bool):
                raise NotSetUpError(
                    f"the global configs of the block {block} say {switch}: {chosen[switch]!r}. It is a "
                    "switch: true or false."
                )
        return replace(self, **chosen)

    @property
    def narrows(self) -> bool:
        """Whether less than the whole project is asked for."""
        return bool(self.select or self.exclude or self.selector)

    @property
    def left_out(self) -> tuple[str, ...]:
        """The types of dbt's resources that this run leaves out."""
        switches = {"seed": self.seeds, "snapshot": self.snapshots, "unit_test": self.unit_tests}
        return tuple(kind for kind, on in switches.items() if on is False)

    @property
    def work(self) -> dict[str, Any]:
        """What decides which nodes run and how: a run can be resumed only with the same."""
        return {
            "--select": " ".join(self.select),
            "--exclude": " ".join(self.exclude),
            "--full-refresh": self.full_refresh,
            "--vars": self.variables,
            "--seeds": self.seeds,
            "--snapshots": self.snapshots,
            "--unit-tests": self.unit_tests,
            "--build": self.build,
            "--selector": self.selector,
            "--empty": self.empty,
            "--event-time-start": self.event_time_start,
            "--event-time-end": self.event_time_end,
        }


def from_parameters(
    *,
    select: str | None = None,
    exclude: str | None = None,
    full_refresh: bool = False,
    variables: Mapping[str, Any] | None = None,
    resume: bool = False,
    wait_seconds: float = 0.0,
    seeds: bool | None = None,
    snapshots: bool | None = None,
    unit_tests: bool | None = None,
    freshness: bool | None = None,
    build: bool = False,
    selector: str | None = None,
    threads: int | None = None,
    empty: bool = False,
    event_time_start: str | None = None,
    event_time_end: str | None = None,
) -> Options:
    """Check a flow's parameters. Raises UsageError that names what is wrong, and with what."""
    if selector and (select or exclude):
        raise UsageError(
            f"--selector {selector}: dbt takes a selector alone. Leave out --select and --exclude, or select "
            f"with `--select selector:{selector},…`."
        )
    if threads is not None and not 1 <= threads <= MOST_THREADS:
        raise UsageError(f"--threads {threads}: give a number from 1 to {MOST_THREADS}.")
    _check_times(event_time_start, event_time_end)
    if not 0 <= wait_seconds <= LONGEST_WAIT:
        raise UsageError(f"--wait {wait_seconds:g}: give seconds from 0 to {LONGEST_WAIT:,.0f} (a day).")
    return Options(
        select=_criteria("--select", select),
        exclude=_criteria("--exclude", exclude),
        full_refresh=full_refresh,
        variables=canonical(variables or {}),
        resume=resume,
        wait_seconds=wait_seconds,
        seeds=seeds,
        snapshots=snapshots,
        unit_tests=unit_tests,
        freshness=freshness,
        build=build,
        selector=selector or "",
        threads=threads,
        empty=empty,
        event_time_start=event_time_start or "",
        event_time_end=event_time_end or "",
    )


def parse_vars(text: str, option: str = "--vars") -> dict[str, Any]:
    """Read the text of an option: a YAML or JSON object, such as `{"late_after_minutes": 20}`.

    Raises UsageError, with the place of the mistake.
    """
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(f"{option} {text!r} is neither YAML nor JSON: {_where(error)}.{_EXAMPLE}") from error
    if value is None:
        return {}
    if not isinstance(value, dict):
        kind = {"str": "a text", "list": "a list"}.get(type(value).__name__, f"the value {value!r}")
        raise UsageError(f"{option} {text!r} is {kind}, not names with values.{_EXAMPLE}")
    _check_names(value)
    return value


_EXAMPLE = " For example: --vars '{late_after_minutes: 20}'."


def _criteria(option: str, text: str | None) -> tuple[str, ...]:
    """Split as a shell does: a criterion in quotes may hold a space."""
    try:
        criteria = tuple(shlex.split(text or ""))
    except ValueError as error:
        raise UsageError(f"{option} {text!r}: {error}.") from error
    for criterion in criteria:
        if criterion.startswith("-") or "" in criterion.split(","):
            raise UsageError(
                f"{option} {text!r}: {criterion!r} is no selection. Give names, paths or methods, such as "
                f"{option} fct_flights+ tag:nightly path:models/marts,config.materialized:table."
            )
    return criteria


def _check_times(start: str | None, end: str | None) -> None:
    """Check a range of time. Both or none, says dbt, and in UTC."""
    times = []
    for option, text in (("--event-time-start", start), ("--event-time-end", end)):
        if text:
            try:
                times.append(datetime.fromisoformat(text).replace(tzinfo=UTC))
            except ValueError as error:
                raise UsageError(
                    f"{option} {text!r}: give a time such as 2026-01-31 or 2026-01-31T06:00."
                ) from error
    if len(times) == 1:
        raise UsageError("--event-time-start and --event-time-end go together: dbt needs both.")
    if times and times[0] >= times[1]:
        raise UsageError(f"--event-time-start {start}: that is not before --event-time-end {end}.")


def _check_names(variables: Mapping[Any, Any]) -> None:
    wrong = [name for name in variables if not isinstance(name, str) or not name]
    if wrong:
        raise UsageError(f"--vars: {wrong[0]!r} is no name of a variable.{_EXAMPLE}")


def canonical(variables: Mapping[str, Any]) -> str:
    """Write the variables so that equal ones are equal texts: dbt parses anew when the text changes."""
    _check_names(variables)
    try:
        return json.dumps(variables, sort_keys=True, default=_date) if variables else ""
    except TypeError as error:
        raise UsageError(f"--vars: {error}.") from error


def _date(value: Any) -> str:
    """YAML reads 2013-01-01 as a date, which JSON lacks; in SQL either looks the same."""
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    raise TypeError(f"{value!r} is neither text, number, list nor object")


def _where(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "it ends too early"
    return f"{problem} at line {mark.line + 1}, column {mark.column + 1}" if mark else str(problem)


def joined(criteria: Iterable[str] | None) -> str | None:
    """Put what the shell has split together again, as one parameter of the flow."""
    return None if criteria is None else shlex.join(criteria)
