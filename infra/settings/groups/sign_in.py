"""How dbt signs in: the three ways, who else is named in the settings, and which of them go together.

`key`: a service account's key in the block. `impersonation`: no key exists, and whoever runs the flow acts as
the service account. `attached`: the machine that runs the flow has the service account as its own identity.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, ValidationInfo
from pydantic_core import PydanticCustomError

from infra.settings.mixes import MIX, without_effect
from infra.settings.values import Texts

# https://cloud.google.com/iam/docs/principal-identifiers; the public at large may not act as anybody.
_MEMBER = re.compile(r"(?:(?:user|group|serviceAccount):[^@\s:]+@[^@\s:]+|principal(?:Set)?://\S+)")

CLOUD_RUN = "cloud-run-v2"


def _check_way(way: str, info: ValidationInfo) -> str:
    if info.data.get("work_pool_type") == CLOUD_RUN and way != "attached":
        raise PydanticCustomError(
            MIX,
            "with `workPoolType: cloud-run-v2` each run already is dbt's service account, which may neither "
            "act as itself nor start runs with its key. Set `pulumi config set identity "
            "attached -s <stack>`",
        )
    return way


def _check_members(members: list[str]) -> list[str]:
    for member in members:
        if not _MEMBER.fullmatch(member):
            raise ValueError(
                f"{member!r} is nobody whom Google could give a role here: write user:NAME@example.com, "
                "group:NAME@example.com, serviceAccount:EMAIL or principal://…"
            )
    return sorted(set(members))


def _check_workers(members: list[str], info: ValidationInfo) -> list[str]:
    pool_type = info.data.get("work_pool_type", CLOUD_RUN)
    if members and pool_type != CLOUD_RUN:
        raise without_effect(
            "workers",
            f"with `workPoolType: {pool_type}` a worker needs no right in Google Cloud to start a run",
            f"workPoolType {CLOUD_RUN}",
        )
    return members


def _check_impersonators(members: list[str], info: ValidationInfo) -> list[str]:
    way = info.data.get("identity")
    if way in {"key", "attached"} and members:
        raise without_effect(
            "impersonators",
            f"with `identity: {way}` nobody acts as dbt's service account",
            "identity impersonation",
        )
    return members


def _check_rotation(value: str, info: ValidationInfo) -> str:
    way = info.data.get("identity")
    if value and way in {"impersonation", "attached"}:
        raise without_effect(
            "keyRotation", f"with `identity: {way}` there is no key to rotate", "identity key"
        )
    return value


Way = Annotated[Literal["key", "impersonation", "attached"], AfterValidator(_check_way)]
Members = Annotated[Texts, AfterValidator(_check_members)]
Impersonators = Annotated[Members, AfterValidator(_check_impersonators)]
Workers = Annotated[Members, AfterValidator(_check_workers)]
KeyRotation = Annotated[str, AfterValidator(_check_rotation)]
