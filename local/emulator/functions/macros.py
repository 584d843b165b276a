"""How a macro is written and called."""

from __future__ import annotations

import re

from sqlglot import exp

ELEMENT = "google__element"  # no column is named like this
_COMMA = re.compile(r", (?![^(]*\))")


class MistakeError(ValueError):
    """What the caller did wrong, said by a function in Python; words/own.py knows its name."""


def call(name: str, *arguments: exp.Expression | str | int) -> exp.Anonymous:
    """Call a macro or DuckDB function; text and numbers become literals."""
    return exp.Anonymous(
        this=name,
        expressions=[
            argument.copy()
            if isinstance(argument, exp.Expression)
            else exp.Literal.number(argument)
            if isinstance(argument, int)
            else exp.Literal.string(argument)
            for argument in arguments
        ],
    )


def quoted(name: str) -> exp.Identifier:
    """Name something just so, whatever the name holds."""
    return exp.to_identifier(name, quoted=True)


def macro(name: str, bodies: dict[str, str]) -> str:
    """Write a macro with a body for each list of parameters, such as ``x DATE, n BIGINT``.

    Where several lists are as long, the first parameter's type decides; one without types takes what fits no
    other. DuckDB 1.5 does not know that of a sum, a window or an alias; of a list's element it always does.
    Macros lie in a database in memory: the file of the tables may be of an older form, which takes no types.
    """
    names = [tuple(one.split()[0] for one in _COMMA.split(parameters)) for parameters in bodies]
    if len(names) == len(set(names)):
        return overloads(name, bodies)
    first, *rest = names[0]
    chosen = ", ".join([ELEMENT, *rest])
    body = element_of(first, f"{name}_of({chosen})")
    return overloads(f"{name}_of", bodies) + overloads(name, {", ".join(names[0]): body})


def element_of(value: str, body: str) -> str:
    """Write a body for the only element of a list: DuckDB knows its type, and makes it once."""
    return f"list_transform([{value}], lambda {ELEMENT}: {body})[1]"


def overloads(name: str, bodies: dict[str, str]) -> str:
    """Write a macro with several bodies, to be called with what DuckDB knows the type of."""
    written = ", ".join(f"({parameters}) AS ({body})" for parameters, body in bodies.items())
    return f"CREATE OR REPLACE MACRO {name}{written};"


def unit_of(node: exp.Expression) -> str:
    """Give the unit of a date function in capitals: WEEK(MONDAY), DAY; "" where there is none."""
    unit = node.args.get("unit")
    return unit_name(unit) if unit is not None else ""


def unit_name(unit: exp.Expression) -> str:
    """Give a unit as it is written, in capitals."""
    if isinstance(unit, exp.WeekStart):
        return f"WEEK({unit.this.name.upper()})"
    return unit.name.upper()


_DAYS = ("SUNDAY", "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY")


def first_day(unit: str) -> int | None:
    """Give the first day of a unit that is a week, Sunday being 0; None for another unit."""
    if unit == "WEEK":
        return 0
    if unit == "ISOWEEK":
        return 1
    return _DAYS.index(unit[5:-1]) if unit.startswith("WEEK(") and unit[5:-1] in _DAYS else None
