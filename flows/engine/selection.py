"""Find out what a selection means, before something runs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from flows.errors import DbtError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from flows.commands.options import Options

# dbt reads a space as "or", a comma as "and", and a name as the beginning of others' too.
_PLAIN = re.compile(r"[\w.-]+")


def check(options: Options, list_nodes: Callable[[Callable[[Any], None]], list[str] | None]) -> None:
    """Ask dbt for the selected nodes. ``list_nodes`` runs `dbt list` and hands on dbt's events.

    Raises UsageError if a criterion is none of dbt's, or if one matches nothing: dbt would do nothing then,
    and calls that a success.
    """
    unmatched: list[str] = []

    def note(event: Any) -> None:
        if event.info.name == "NoNodesForSelectionCriteria":
            unmatched.append(str(event.data.spec_raw))

    asked = " ".join(
        f"{option} {' '.join(criteria)}"
        for option, criteria in (("--select", options.select), ("--exclude", options.exclude))
        if criteria
    )
    try:
        found = list_nodes(note)
    except DbtError as error:
        reason = str(error).removeprefix("dbt list stopped: ")
        raise UsageError(f"{asked}: dbt does not understand this: {reason}") from error
    if unmatched:
        names = ", ".join(repr(one) for one in dict.fromkeys(unmatched))
        raise UsageError(f"{asked}: nothing in the project matches {names}. `dbt list` shows what there is.")
    if not found:
        raise UsageError(f"{asked}: no model, seed, snapshot or test is left to run.")


def tests_of(kinds: Collection[str], manifest: Any) -> list[str]:
    """Return a criterion for each test of a resource of these types, and of nothing else.

    dbt would run them although the run leaves those resources out, so that their tables may not exist. A test
    that dbt's words can't single out is not among them: to run one too many is better than one too few.
    """
    if not kinds:
        return []
    found = []
    names = [".".join(node.fqn) for node in manifest.nodes.values()]
    for node in manifest.nodes.values():
        if str(node.resource_type) == "test":
            tested = getattr(node, "attached_node", None)
            tables = [tested] if tested else node.depends_on.nodes
            if tables and all(table.partition(".")[0] in kinds for table in tables):
                found.append(".".join(node.fqn))
    return [
        one for one in found if _PLAIN.fullmatch(one) and sum(name.startswith(one) for name in names) == 1
    ]
