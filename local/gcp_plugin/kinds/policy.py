"""Members and roles in an IAM policy, as Resource Manager and IAM write it."""

from __future__ import annotations

from collections.abc import Iterator

from local.gcp_plugin.kind import Values
from local.gcp_plugin.kinds.iam_member import Grant, same_member


def condition(title: str | None) -> Values | None:
    """What is known of a condition whose title is in an id."""
    return {"title": title} if title else None


def bindings_of(policy: Values, grant: Grant) -> Iterator[Values]:
    """The bindings of a policy with the grant's role and condition."""
    for binding in policy.get("bindings", []):
        title = (binding.get("condition") or {}).get("title", "")
        if binding.get("role") == grant.role and title == grant.title:
            yield binding


def add_member(policy: Values, grant: Grant) -> bool:
    """Put the member into the policy; False where it is there."""
    for binding in bindings_of(policy, grant):
        members = binding.setdefault("members", [])
        if any(same_member(grant.member, member) for member in members):
            return False
        members.append(grant.member)
        return True
    binding = {"role": grant.role, "members": [grant.member]}
    policy.setdefault("bindings", []).append(
        {**binding, "condition": grant.condition} if grant.condition else binding
    )
    return True


def remove_member(policy: Values, grant: Grant) -> bool:
    """Take the member out of the policy; False where it is not there."""
    changed = False
    for binding in bindings_of(policy, grant):
        members = binding.get("members", [])
        binding["members"] = [member for member in members if not same_member(grant.member, member)]
        changed |= len(binding["members"]) != len(members)
    policy["bindings"] = [binding for binding in policy.get("bindings", []) if binding.get("members")]
    return changed
