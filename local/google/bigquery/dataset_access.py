"""A dataset's ``access`` list as BigQuery keeps it: defaults, one form for each member, no doubles.

Source: https://cloud.google.com/bigquery/docs/reference/rest/v2/datasets#Dataset.Access
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.google import errors
from local.google.iam import policies, roles

if TYPE_CHECKING:
    from local.google.state import Store

_MEMBERS = ("userByEmail", "groupByEmail", "domain", "specialGroup", "iamMember")
_REFERENCES = ("view", "routine", "dataset")
_PREFIXES = {
    "user": "userByEmail",
    "serviceAccount": "userByEmail",
    "group": "groupByEmail",
    "domain": "domain",
}
_SPECIAL_GROUPS = (*roles.SPECIAL_GROUPS, "allAuthenticatedUsers")


def default_access(creator: str) -> list[dict[str, Any]]:
    """Give what BigQuery sets where a new dataset names none. ``creator`` is an email, "" for nobody."""
    access = [
        {"role": "WRITER", "specialGroup": "projectWriters"},
        {"role": "OWNER", "specialGroup": "projectOwners"},
    ]
    if creator:
        access.append({"role": "OWNER", "userByEmail": creator})
    return [*access, {"role": "READER", "specialGroup": "projectReaders"}]


def normalised(access: Any, dataset: str, store: Store) -> list[dict[str, Any]]:
    """Give the list as BigQuery returns it. Raises its 400 for an entry it would refuse.

    ``dataset`` is project:dataset, for messages.
    """
    if not isinstance(access, list):
        raise errors.invalid("access must be a list.")
    kept: list[dict[str, Any]] = []
    for entry in access:
        clean = _entry(entry, dataset, store)
        if clean not in kept:
            kept.append(clean)
    return kept


def _entry(entry: Any, dataset: str, store: Store) -> dict[str, Any]:
    given = {name: value for name, value in entry.items() if value} if isinstance(entry, dict) else {}
    if any(name in given for name in _REFERENCES):
        return given
    named = [name for name in _MEMBERS if name in given]
    if len(named) != 1 or "role" not in given:
        raise errors.invalid(
            f"Invalid access entry of dataset {dataset}: one of {', '.join(_MEMBERS)} and a role are needed."
        )
    field, value = _member(named[0], str(given[named[0]]))
    role = str(given["role"])
    if not roles.is_for_datasets(role):
        raise errors.invalid(
            f"IAM setPolicy failed for Dataset {dataset}: Role {role} is not supported for this resource."
        )
    if field == "specialGroup" and value not in _SPECIAL_GROUPS:
        raise errors.invalid(f"Invalid special group {value} in the access list of dataset {dataset}.")
    if field == "userByEmail" and not policies.account_exists(value, store):
        raise errors.invalid(
            f"IAM setPolicy failed for Dataset {dataset}: Service account {value} does not exist."
        )
    if "condition" in given:
        raise errors.invalid(f"The access list of dataset {dataset} has a condition: none is evaluated here.")
    return {"role": roles.LEGACY_NAMES.get(role, role), field: value}


def _member(field: str, value: str) -> tuple[str, str]:
    if field != "iamMember":
        return field, value
    kind, _, name = value.partition(":")
    if value == "allAuthenticatedUsers":
        return "specialGroup", value
    return (_PREFIXES[kind], name) if kind in _PREFIXES else (field, value)
