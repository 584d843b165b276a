"""Find out what a selection means, before something runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flows.errors import DbtError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flows.commands.options import Options


def check(options: Options, list_nodes: Callable[[Callable[[str], None]], Sequence[Any]]) -> set[str]:
    """Return the ids of the selected nodes.

    ``list_nodes`` runs `dbt list`, and tells which criteria match nothing.

    Raises UsageError if a criterion is none of dbt's, or if one matches nothing: dbt would do nothing then,
    and calls that a success.
    """
    unmatched: list[str] = []
    asked = " ".join(
        f"{option} {' '.join(criteria)}"
        for option, criteria in (
            ("--select", options.select),
            ("--exclude", options.exclude),
            ("--selector", (options.selector,) if options.selector else ()),
        )
        if criteria
    )
    try:
        found = list_nodes(unmatched.append)
    except DbtError as error:
        reason = str(error).removeprefix("dbt list stopped: ")
        raise UsageError(f"{asked}: dbt does not understand this: {reason}") from error
    if unmatched:
        names = ", ".join(repr(one) for one in dict.fromkeys(unmatched))
        raise UsageError(f"{asked}: nothing in the project matches {names}. `dbt list` shows what there is.")
    if not found:
        raise UsageError(f"{asked}: no model, seed, snapshot or test is left to run.")
    return {str(node["unique_id"]) for node in found}
