"""The one IAM condition that is evaluated here: which roles somebody may grant and revoke.

Source: https://cloud.google.com/iam/docs/setting-limits-on-granting-roles
"""

from __future__ import annotations

import re
from typing import Any

from local.google import errors

SET_POLICY = "resourcemanager.projects.setIamPolicy"
_HAS_ONLY = re.compile(
    r"api\.getAttribute\(\s*['\"]iam\.googleapis\.com/modifiedGrantsByRole['\"]\s*,\s*\[\]\s*\)"
    r"\s*\.hasOnly\(\s*\[(?P<roles>[^\]]*)\]\s*\)"
)
_ROLE = re.compile(r"\s*['\"]([^'\"]+)['\"]\s*")


def grantable(binding: dict[str, Any]) -> frozenset[str] | None:
    """Give the roles that a binding lets its members grant, None where it has no condition.

    Raises Google's 400 for another condition.
    """
    condition = binding.get("condition")
    if not condition:
        return None
    expression = str(condition.get("expression", "")) if isinstance(condition, dict) else ""
    match = _HAS_ONLY.fullmatch(expression.strip())
    if match is None:
        raise errors.invalid(
            f"The binding of {binding.get('role')} has a condition that is not evaluated here: only "
            "api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', []).hasOnly([…]) is."
        )
    return frozenset(_ROLE.findall(match["roles"]))


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
