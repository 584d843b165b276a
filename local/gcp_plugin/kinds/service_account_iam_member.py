"""gcp:serviceaccount/iAMMember:IAMMember over the policies of service accounts: who may act as one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from local.gcp_plugin.google_api import Google
from local.gcp_plugin.kind import Property, Values
from local.gcp_plugin.kinds.iam_member import MEMBER_PROPERTIES, Grant, IamMember, match_id, same_member
from local.gcp_plugin.kinds.policy import add_member, bindings_of, condition, remove_member

_ACCOUNT = r"projects/(?:-|[^/\s]+)/serviceAccounts/[^/\s]+"


def _check_account(value: str) -> list[str]:
    if re.fullmatch(_ACCOUNT, value):
        return []
    return [f"{value!r} is not a service account's name: write projects/PROJECT/serviceAccounts/EMAIL"]


class ServiceAccountIamMember(IamMember):
    """A member of a role on a service account."""

    token = "gcp:serviceaccount/iAMMember:IAMMember"  # noqa: S105
    service = "iam"
    properties: ClassVar[Mapping[str, Property]] = {
        **MEMBER_PROPERTIES,
        "serviceAccountId": Property(required=True, replaces=True, rule=_check_account),
    }

    def target(self, inputs: Values, google: Google) -> str:  # noqa: ARG002
        """The account's name."""
        return str(inputs["serviceAccountId"])

    def parse_id(self, resource_id: str, google: Google) -> Grant:  # noqa: ARG002
        """Read `ACCOUNT ROLE MEMBER [TITLE]`."""
        match = match_id(
            resource_id,
            f"(?P<account>{_ACCOUNT})",
            "'projects/PROJECT/serviceAccounts/EMAIL roles/NAME KIND:MEMBER'",
        )
        return Grant(match["account"], match["role"], match["member"], condition(match["title"]))

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
            "iam",
            "POST",
            f"{grant.target}:setIamPolicy",
            doing=_doing(grant, "setting"),
            body={"policy": {**policy, "version": 3}},
            # A repeat of a write that did arrive meets a newer etag and is refused as a conflict.
            repeatable=True,
        )

    def outputs_of(self, grant: Grant, etag: str) -> Values:
        """Return the outputs."""
        return {
            "condition": grant.condition,
            "etag": etag,
            "member": grant.member,
            "role": grant.role,
            "serviceAccountId": grant.target,
        }

    async def _policy(self, google: Google, grant: Grant) -> Values:
        return await google.call(
            "iam",
            "POST",
            f"{grant.target}:getIamPolicy",
            doing=_doing(grant, "reading"),
            params={"options.requestedPolicyVersion": "3"},
            repeatable=True,
        )


def _doing(grant: Grant, verb: str) -> str:
    return f"{verb} IAM policy of {grant.target} ({grant.role} for {grant.member})"
