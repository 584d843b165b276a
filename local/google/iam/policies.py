"""IAM policies: checked, versioned by etag, and told when an account goes.

Source: https://cloud.google.com/iam/docs/reference/rest/v1/Policy
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any

from local.google import errors
from local.google.iam import conditions, roles

if TYPE_CHECKING:
    from collections.abc import Iterable

    from local.google.state import AccountRecord, ProjectRecord, Store

_MEMBER = re.compile(r"(user|serviceAccount|group|domain|deleted|principal|principalSet):\S+")
_ACCOUNT_EMAIL = re.compile(r"[^@\s]+@(?P<project>[a-z][a-z0-9-]+)\.iam\.gserviceaccount\.com")


def etag(generation: int) -> str:
    """Give the etag of a policy's version: bytes in base64, as Google's are."""
    return base64.b64encode(b"\x07\x06" + generation.to_bytes(6, "big")).decode()


def checked_bindings(policy: Any, generation: int, store: Store) -> list[dict[str, Any]]:
    """Give a policy's bindings, merged by role, without empty ones.

    Raises a 409 where its etag is old, a 400 where Google would refuse a role or a member.
    """
    if not isinstance(policy, dict) or not isinstance(policy.get("bindings", []), list):
        raise errors.invalid("Invalid JSON payload received: policy.bindings must be a list.")
    given = policy.get("etag")
    if given and given != etag(generation):
        raise errors.aborted(
            "There were concurrent policy changes. Please retry the whole read-modify-write with exponential "
            f"backoff. The request's ETag '{given}' did not match the current policy's ETag "
            f"'{etag(generation)}'."
        )
    merged: dict[str, dict[str, Any]] = {}
    for binding in policy.get("bindings", []):
        role = str(binding.get("role", ""))
        conditions.grantable(binding)
        if not roles.is_known(role):
            raise errors.invalid(f"Role {role} is not supported for this resource.")
        condition = binding.get("condition")
        kept = merged.setdefault(f"{role} {condition}", {"role": role, "members": []})
        kept |= {"condition": condition} if condition else {}
        for member in map(str, binding.get("members", [])):
            check_member(member, store)
            if member not in kept["members"]:
                kept["members"].append(member)
    return [kept for kept in merged.values() if kept["members"]]


def check_member(member: str, store: Store) -> None:
    """Raise Google's 400 for a member of no known type, or a service account that does not exist."""
    if member in ("allUsers", "allAuthenticatedUsers"):
        return
    if not _MEMBER.fullmatch(member):
        raise errors.invalid(f"The member {member} is of an unknown type. Please set a valid type prefix.")
    kind, _, email = member.partition(":")
    if kind == "serviceAccount" and not account_exists(email, store):
        raise errors.invalid(f"Service account {email} does not exist.")


def account_exists(email: str, store: Store) -> bool:
    """Tell whether a service account exists; those that Google itself keeps always do."""
    match = _ACCOUNT_EMAIL.fullmatch(email)
    if match is None or match["project"].startswith("gcp-sa-"):
        return True
    return store.account(email) is not None


def forget_account(account: AccountRecord, projects: Iterable[ProjectRecord]) -> None:
    """Keep a deleted account's grants under its deleted name, so that a namesake does not inherit them."""
    member = f"serviceAccount:{account.email}"
    gone = f"deleted:{member}?uid={account.unique_id}"
    for project in projects:
        held = [project.bindings, *(other.bindings for other in project.accounts.values())]
        for binding in (binding for bindings in held for binding in bindings):
            binding["members"] = [gone if name == member else name for name in binding["members"]]
        project.policy_generation += 1
        for dataset in project.datasets.values():
            access = dataset.fields.get("access", [])
            dataset.fields["access"] = [
                {"role": entry["role"], "iamMember": gone}
                if entry.get("userByEmail") == account.email
                else entry
                for entry in access
            ]
