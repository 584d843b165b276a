"""What the two kinds of IAM members share: one member of one role in a policy that others change too."""

from __future__ import annotations

import asyncio
import random
import re
from abc import abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from local.gcp_plugin.errors import GoogleError, PluginError
from local.gcp_plugin.google_api import Google
from local.gcp_plugin.kind import Found, Kind, Property, Values

_MEMBER = r".+:.+|projectOwners|projectReaders|projectWriters|allUsers|allAuthenticatedUsers"
# Principals, and pods: serviceAccount:PROJECT.svc.id.goog[NAMESPACE/NAME].
_WITH_SLASHES = r"principal(?:Set)?://\S+|serviceAccount:[^/\s]+\.svc\.id\.goog\[[^\]\s]+\]"
_ROLE = r"(?:(?:projects|organizations)/[^/\s]+/)?roles/[^/\s]+"
_ATTEMPTS = 8
_FIRST_WAIT_SECONDS = 0.1
_CONFLICTS = frozenset({409, 412})


def check_member(value: str) -> list[str]:
    """Rule for `member`."""
    if re.fullmatch(_MEMBER, value):
        return []
    return [
        f'invalid value "{value}" for member (IAM members must have one of the values outlined here: '
        "https://cloud.google.com/billing/docs/reference/rest/v1/Policy#Binding)"
    ]


def check_role(value: str) -> list[str]:
    """Rule for `role`."""
    if re.fullmatch(_ROLE, value):
        return []
    return [f"{value!r} is not a role: write roles/NAME, or projects/PROJECT/roles/NAME for a custom one"]


def same_member(one: str, other: str) -> bool:
    """Google writes addresses in lower case, and keeps the case of principals."""
    if one.startswith(("principal:", "principalSet:")):
        return one == other
    return one.lower() == other.lower()


MEMBER_PROPERTIES = {
    "condition": Property(type=dict, replaces=True),
    "member": Property(required=True, replaces=True, rule=check_member, same=same_member),
    "role": Property(required=True, replaces=True, rule=check_role),
}


@dataclass(frozen=True)
class Grant:
    """A member's role on one thing: `target` is its path in the service."""

    target: str
    role: str
    member: str
    condition: Values | None = None

    @property
    def title(self) -> str:
        """The condition's title, which tells apart grants of the same role."""
        return str((self.condition or {}).get("title", ""))

    def id(self) -> str:
        """Return the official plugin's id."""
        return "/".join(filter(None, (self.target, self.role, self.member, self.title)))


class IamMember(Kind):
    """A member of a role. Every input replaces; the policy is changed by read-modify-write under its etag."""

    outputs = ("etag",)

    @abstractmethod
    def target(self, inputs: Values, google: Google) -> str:
        """Path of what the policy belongs to."""

    @abstractmethod
    def parse_id(self, resource_id: str, google: Google) -> Grant:
        """Read the id. Raises PluginError where it is none; a condition has only its title."""

    @abstractmethod
    async def find(self, google: Google, grant: Grant) -> tuple[Grant, str] | None:
        """Return the grant as the service has it and the policy's etag, or None."""

    @abstractmethod
    async def edit(self, google: Google, grant: Grant, *, add: bool) -> None:
        """Read the policy, add or remove the grant, write it back under the etag read."""

    @abstractmethod
    def outputs_of(self, grant: Grant, etag: str) -> Values:
        """Return the outputs."""

    async def create(self, google: Google, inputs: Values) -> Found:
        """Add the member to the role."""
        grant = Grant(self.target(inputs, google), inputs["role"], inputs["member"], inputs.get("condition"))
        await self._edit(google, grant, add=True)
        found = await self.read(google, grant.id(), {})
        if found is None:
            raise PluginError(
                f"granting {grant.role} to {grant.member}: {grant.target} accepted it, but does not have it"
            )
        return found

    async def read(self, google: Google, resource_id: str, state: Values) -> Found | None:  # noqa: ARG002
        """Look the member up in the policy."""
        try:
            found = await self.find(google, self.parse_id(resource_id, google))
        except GoogleError as error:
            if error.status == 404:
                return None
            raise
        if found is None:
            return None
        grant, etag = found
        return Found(grant.id(), {"id": grant.id(), **self.outputs_of(grant, etag)})

    async def update(self, google: Google, resource_id: str, state: Values, inputs: Values) -> Values:  # noqa: ARG002
        """Never called: every input replaces."""
        raise PluginError(f"{resource_id}: an IAM member can't change in place")

    async def delete(self, google: Google, resource_id: str, state: Values) -> None:  # noqa: ARG002
        """Take the member out of the role."""
        try:
            await self._edit(google, self.parse_id(resource_id, google), add=False)
        except GoogleError as error:
            if error.status != 404:
                raise

    async def _edit(self, google: Google, grant: Grant, *, add: bool) -> None:
        async with google.lock(grant.target):
            await until_no_conflict(lambda: self.edit(google, grant, add=add))


async def until_no_conflict(change: Callable[[], Awaitable[None]]) -> None:
    """Repeat a read-modify-write while others are quicker. Raises the last GoogleError after 8 tries."""
    for attempt in range(_ATTEMPTS):
        try:
            return await change()
        except GoogleError as error:
            if error.status not in _CONFLICTS or attempt == _ATTEMPTS - 1:
                raise
        await asyncio.sleep(_FIRST_WAIT_SECONDS * 2**attempt * random.uniform(0.5, 1.5))  # noqa: S311
    return None


def match_id(resource_id: str, target_pattern: str, example: str) -> re.Match[str]:
    """Match `TARGET ROLE MEMBER [CONDITION TITLE]`, separated by spaces or slashes."""
    match = re.fullmatch(
        rf"{target_pattern}[/\s](?P<role>{_ROLE})[/\s](?P<member>{_WITH_SLASHES}|[^/\s]+)"
        r"(?:[/\s](?P<title>.+))?",
        resource_id,
    )
    if match is None:
        raise PluginError(f"{resource_id!r} is not the id of an IAM member: write {example}")
    return match
