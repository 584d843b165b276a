"""gcp:bigquery/datasetIamMember:DatasetIamMember over the access list of a BigQuery dataset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from local.gcp_plugin.google_api import Google
from local.gcp_plugin.kind import Property, Values, project_of
from local.gcp_plugin.kinds.dataset import check_dataset_id
from local.gcp_plugin.kinds.iam_member import MEMBER_PROPERTIES, Grant, IamMember, match_id, same_member

_PARAMS = {"accessPolicyVersion": "3"}
# BigQuery shows these three roles by their older names, whichever were written.
_OLD_NAMES = {
    "OWNER": "roles/bigquery.dataOwner",
    "WRITER": "roles/bigquery.dataEditor",
    "READER": "roles/bigquery.dataViewer",
}
_FIELDS = {
    "user": "userByEmail",
    "serviceAccount": "userByEmail",
    "group": "groupByEmail",
    "domain": "domain",
    "iamMember": "iamMember",
}
_SPECIAL = ("projectOwners", "projectReaders", "projectWriters", "allAuthenticatedUsers")


class DatasetIamMember(IamMember):
    """A member of a role on a dataset."""

    token = "gcp:bigquery/datasetIamMember:DatasetIamMember"  # noqa: S105
    service = "bigquery"
    properties: ClassVar[Mapping[str, Property]] = {
        **MEMBER_PROPERTIES,
        "datasetId": Property(required=True, replaces=True, rule=check_dataset_id),
        "project": Property(replaces=True, from_provider=True),
    }

    def target(self, inputs: Values, google: Google) -> str:
        """The dataset's path."""
        return f"projects/{project_of(inputs, google.config)}/datasets/{inputs['datasetId']}"

    def parse_id(self, resource_id: str, google: Google) -> Grant:
        """Read `DATASET ROLE MEMBER [TITLE]`; the dataset with its project, or without."""
        match = match_id(
            resource_id,
            r"(?:(?:projects/)?(?P<project>[^/\s]+)/(?:datasets/)?)?(?P<dataset>\w+)",
            "'projects/PROJECT/datasets/DATASET_ID roles/NAME KIND:MEMBER'",
        )
        target = f"projects/{match['project'] or google.config.project}/datasets/{match['dataset']}"
        title = match["title"]
        return Grant(target, match["role"], match["member"], {"title": title} if title else None)

    async def find(self, google: Google, grant: Grant) -> tuple[Grant, str] | None:
        """Look in the access list."""
        dataset = await self._dataset(google, grant)
        for entry in dataset.get("access", []):
            if _is_grant(entry, grant):
                # The official plugin has no etag here: an access list is no policy.
                return Grant(grant.target, grant.role, grant.member, entry.get("condition")), ""
        return None

    async def edit(self, google: Google, grant: Grant, *, add: bool) -> None:
        """Write the access list back unless the dataset changed meanwhile; other entries stay as they are."""
        dataset = await self._dataset(google, grant)
        access: list[Values] = dataset.get("access", [])
        others = [entry for entry in access if not _is_grant(entry, grant)]
        if (len(others) < len(access)) == add:
            return
        await google.call(
            "bigquery",
            "PATCH",
            grant.target,
            doing=_doing(grant, "setting"),
            params=_PARAMS,
            headers={"If-Match": dataset["etag"]} if dataset.get("etag") else {},
            body={"access": [*others, _entry(grant)] if add else others},
        )

    def outputs_of(self, grant: Grant, etag: str) -> Values:
        """Return the outputs."""
        _, project, _, dataset_id = grant.target.split("/")
        return {
            "condition": grant.condition,
            "datasetId": dataset_id,
            "etag": etag,
            "member": grant.member,
            "project": project,
            "role": grant.role,
        }

    async def _dataset(self, google: Google, grant: Grant) -> Values:
        return await google.call(
            "bigquery", "GET", grant.target, doing=_doing(grant, "reading"), params=_PARAMS
        )


def _doing(grant: Grant, verb: str) -> str:
    return f"{verb} access of {grant.target} ({grant.role} for {grant.member})"


def _entry(grant: Grant) -> Values:
    entry: dict[str, Any] = {"role": grant.role}
    kind, _, name = grant.member.partition(":")
    if grant.member in _SPECIAL:
        entry["specialGroup"] = grant.member
    elif kind in _FIELDS:
        entry[_FIELDS[kind]] = name
    else:
        entry["iamMember"] = grant.member
    return {**entry, "condition": grant.condition} if grant.condition else entry


def _is_grant(entry: Values, grant: Grant) -> bool:
    role = entry.get("role", "")
    if (
        _OLD_NAMES.get(role, role) != grant.role
        or (entry.get("condition") or {}).get("title", "") != grant.title
    ):
        return False
    wanted = _entry(grant)
    return all(
        same_member(str(wanted[key]), str(entry.get(key, "")))
        for key in wanted
        if key not in ("role", "condition")
    )
