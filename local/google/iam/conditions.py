"""The two IAM conditions that are evaluated here: which roles somebody may grant and revoke, and since when.

Sources: https://cloud.google.com/iam/docs/setting-limits-on-granting-roles and
https://cloud.google.com/iam/docs/conditions-attribute-reference#date-time
"""

from __future__ import annotations

import datetime
import re
from typing import Any

from local.google import errors

SET_POLICY = "resourcemanager.projects.setIamPolicy"
_HAS_ONLY = re.compile(
    r"api\.getAttribute\(\s*['\"]iam\.googleapis\.com/modifiedGrantsByRole['\"]\s*,\s*\[\]\s*\)"
    r"\s*\.hasOnly\(\s*\[(?P<roles>[^\]]*)\]\s*\)"
)
_ROLE = re.compile(r"\s*['\"]([^'\"]+)['\"]\s*")

_TIME = re.compile(r"request\.time\s*(?P<than>[<>])\s*timestamp\(\s*['\"](?P<when>[^'\"]+)['\"]\s*\)")


def grantable(binding: dict[str, Any]) -> frozenset[str] | None:
    """Give the roles that a binding lets its members grant, None where its condition, if any, says nothing.

    Raises Google's 400 for another condition.
    """
    expression = _expression(binding)
    if expression is None or _moment(expression) is not None:
        return None
    match = _HAS_ONLY.fullmatch(expression)
    if match is None:
        raise errors.invalid(
            f"The binding of {binding.get('role')} has a condition that is not evaluated here: only "
            "api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', []).hasOnly([…]), "
            "request.time > timestamp('…') and request.time < timestamp('…') are."
        )
    return frozenset(_ROLE.findall(match["roles"]))


def holds(binding: dict[str, Any]) -> bool:
    """Tell whether it is the time of a binding whose condition says one."""
    found = _moment(_expression(binding) or "")
    if found is None:
        return True
    now = datetime.datetime.now(datetime.UTC)
    return now > found[1] if found[0] == ">" else now < found[1]


def _expression(binding: dict[str, Any]) -> str | None:
    condition = binding.get("condition")
    if not condition:
        return None
    return str(condition.get("expression", "")).strip() if isinstance(condition, dict) else ""


def _moment(expression: str) -> tuple[str, datetime.datetime] | None:
    match = _TIME.fullmatch(expression)
    if match is None:
        return None
    try:
        when = datetime.datetime.fromisoformat(match["when"])
    except ValueError:
        return None
    return (match["than"], when) if when.tzinfo else None


def changed_roles(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> set[str]:
    """Name the roles that have other members, or another condition, than before."""
    old, new = _members(before), _members(after)
    return {role for role in old.keys() | new.keys() if old.get(role) != new.get(role)}


def _members(bindings: list[dict[str, Any]]) -> dict[str, set[tuple[str, str]]]:
    found: dict[str, set[tuple[str, str]]] = {}
    for binding in bindings:
        condition = str((binding.get("condition") or {}).get("expression", ""))
        found.setdefault(binding["role"], set()).update((name, condition) for name in binding["members"])
    return found
