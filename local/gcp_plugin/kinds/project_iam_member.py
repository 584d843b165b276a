"""gcp:projects/iAMMember:IAMMember over Resource Manager's project policies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from local.gcp_plugin.google_api import Google
from local.gcp_plugin.kind import Property, Values
from local.gcp_plugin.kinds.iam_member import MEMBER_PROPERTIES, Grant, IamMember, match_id, same_member
from local.gcp_plugin.kinds.policy import add_member, bindings_of, condition, remove_member


class ProjectIamMember(IamMember):
    """A member of a role on a project."""

    token = "gcp:projects/iAMMember:IAMMember"  # noqa: S105
    service = "resourcemanager"
    delete_before_replace = True
    properties: ClassVar[Mapping[str, Property]] = {
        **MEMBER_PROPERTIES,
        "project": Property(
            required=True,
            replaces=True,
            same=lambda had, wanted: had.removeprefix("projects/") == wanted.removeprefix("projects/"),
        ),
    }

    def target(self, inputs: Values, google: Google) -> str:  # noqa: ARG002
        """The project's id."""
        return str(inputs["project"]).removeprefix("projects/")

    def parse_id(self, resource_id: str, google: Google) -> Grant:  # noqa: ARG002
        """Read `PROJECT ROLE MEMBER [TITLE]`."""
        match = match_id(
            resource_id, r"(?:projects/)?(?P<project>[^/\s]+)", "'PROJECT roles/NAME KIND:MEMBER'"
        )
        return Grant(match["project"], match["role"], match["member"], condition(match["title"]))

    async def find(self, google: Google, grant: Grant) -> tuple[Grant, str] | None:
        """Look in the policy's bindings."""
        policy = await self._policy(google, grant)
        for binding in bindings_of(policy, grant):
            if any(same_member(grant.member, member) for member in binding.get("members", [])):
                found = Grant(grant.target, grant.role, grant.member, binding.get("condition"))
                return found, policy.get("etag", "")
        return None

    async def edit(self, google: Google, grant: Grant, *, add: bool) -> None:
        """Write the whole policy back, under its etag."""
        policy = await self._policy(google, grant)
        if not (add_member(policy, grant) if add else remove_member(policy, grant)):
            return
        await google.call(
            "resourcemanager",
            "POST",
            f"projects/{grant.target}:setIamPolicy",
            doing=_doing(grant, "setting"),
            body={"policy": {**policy, "version": 3}, "updateMask": "bindings,etag,auditConfigs"},
            # A repeat of a write that did arrive meets a newer etag and is refused as a conflict.
            repeatable=True,
        )

    def outputs_of(self, grant: Grant, etag: str) -> Values:
        """Return the outputs."""
        return {
            "condition": grant.condition,
            "etag": etag,
            "member": grant.member,
            "project": grant.target,
            "role": grant.role,
        }

    async def _policy(self, google: Google, grant: Grant) -> Values:
        return await google.call(
            "resourcemanager",
            "POST",
            f"projects/{grant.target}:getIamPolicy",
            doing=_doing(grant, "reading"),
            body={"options": {"requestedPolicyVersion": 3}},
            repeatable=True,
        )


def _doing(grant: Grant, verb: str) -> str:
    return f"{verb} IAM policy of project {grant.target} ({grant.role} for {grant.member})"
