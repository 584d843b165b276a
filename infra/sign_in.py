"""How dbt signs in: the three ways, and which settings go together.

`key`: a service account's key in the block. `impersonation`: no key exists, and whoever runs the flow acts as
the service account. `attached`: the machine that runs the flow has the service account as its own identity.
"""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo
from pydantic_core import PydanticCustomError

# The type of a mistake that lies in two settings which don't go together.
MIX = "mix"
# https://cloud.google.com/iam/docs/principal-identifiers; the public at large may not act as anybody.
_MEMBER = re.compile(r"(?:(?:user|group|serviceAccount):[^@\s:]+@[^@\s:]+|principal(?:Set)?://\S+)")

Way = Literal["key", "impersonation", "attached"]


def _as_list(value: Any) -> Any:
    """Pulumi hands a list over as JSON text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _check_impersonators(members: list[str], info: ValidationInfo) -> list[str]:
    for member in members:
        if not _MEMBER.fullmatch(member):
            raise ValueError(
                f"{member!r} is nobody who could act as a service account: write user:NAME@example.com, "
                "group:NAME@example.com, serviceAccount:EMAIL or principal://…"
            )
    way = info.data.get("identity")
    if way == "impersonation" and not members:
        raise PydanticCustomError(
            MIX,
            "with `identity: impersonation` nobody could run dbt, because nobody may act as its service "
            "account. Say who: `pulumi config set --path 'projet-m2-bi:impersonators[0]' "
            "user:YOU@example.com -s <stack>`",
        )
    if way in {"key", "attached"} and members:
        raise PydanticCustomError(
            MIX,
            "with `identity: {way}` nobody acts as dbt's service account. Remove this line "
            "(`pulumi config rm projet-m2-bi:impersonators -s <stack>`), or set "
            "`pulumi config set projet-m2-bi:identity impersonation -s <stack>`",
            {"way": way},
        )
    return sorted(set(members))


def _check_rotation(value: str, info: ValidationInfo) -> str:
    way = info.data.get("identity")
    if value and way in {"impersonation", "attached"}:
        raise PydanticCustomError(
            MIX,
            "with `identity: {way}` there is no key to rotate. Remove this line "
            "(`pulumi config rm projet-m2-bi:keyRotation -s <stack>`), or set "
            "`pulumi config set projet-m2-bi:identity key -s <stack>`",
            {"way": way},
        )
    return value


Impersonators = Annotated[
    list[str], BeforeValidator(_as_list), AfterValidator(_check_impersonators), Field(validate_default=True)
]
KeyRotation = Annotated[str, AfterValidator(_check_rotation)]
