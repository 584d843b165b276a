"""gcp:serviceaccount/account:Account over IAM's service accounts API."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from local.gcp_plugin.config import Config
from local.gcp_plugin.errors import GoogleError, PluginError
from local.gcp_plugin.google_api import Google
from local.gcp_plugin.kind import (
    Found,
    Kind,
    Property,
    Values,
    check_deletion_policy,
    deletes,
    project_of,
)
from local.gcp_plugin.values import UNKNOWN

_ACCOUNT_ID = "^[a-z]([-a-z0-9]*[a-z0-9])?$"
_MASK = {"description": "description", "displayName": "display_name"}


def _check_account_id(value: str) -> list[str]:
    wrong = []
    if not 6 <= len(value) <= 30:
        wrong.append(f'"account_id" ("{value}") must be between 6 and 30 characters long')
    if not re.fullmatch(_ACCOUNT_ID, value):
        wrong.append(f'"account_id" ("{value}") must match regex "{_ACCOUNT_ID}"')
    return wrong


def _check_display_name(value: str) -> list[str]:
    return ["must be at most 100 characters long"] if len(value) > 100 else []


def _check_description(value: str) -> list[str]:
    return ["must be at most 256 characters long"] if len(value) > 256 else []


class Account(Kind):
    """A service account."""

    token = "gcp:serviceaccount/account:Account"  # noqa: S105
    service = "iam"
    properties: ClassVar[Mapping[str, Property]] = {
        "accountId": Property(required=True, replaces=True, rule=_check_account_id),
        "createIgnoreAlreadyExists": Property(type=bool),
        "deletionPolicy": Property(absent="DELETE", rule=check_deletion_policy),
        "description": Property(absent="", rule=_check_description),
        "disabled": Property(type=bool, absent=False),
        "displayName": Property(absent="", rule=_check_display_name),
        "project": Property(replaces=True, from_provider=True),
    }
    outputs = ("email", "member", "name", "uniqueId")
    delete_before_replace = True

    def predict(self, inputs: Values, config: Config) -> Values:
        """The address follows from id and project."""
        if inputs["accountId"] == UNKNOWN or project_of(inputs, config) == UNKNOWN:
            return {}
        email = f"{inputs['accountId']}@{_email_domain(project_of(inputs, config))}"
        return {"email": email, "member": f"serviceAccount:{email}"}

    async def create(self, google: Google, inputs: Values) -> Found:
        """Create the account. As with the official plugin `disabled` works from the next update on."""
        project = project_of(inputs, google.config)
        details = {key: inputs[key] for key in _MASK if inputs.get(key)}
        try:
            answer = await google.call(
                "iam",
                "POST",
                f"projects/{project}/serviceAccounts",
                doing="creating service account",
                body={"accountId": inputs["accountId"], "serviceAccount": details},
            )
        except GoogleError as error:
            if error.status != 409 or not inputs.get("createIgnoreAlreadyExists"):
                raise
            email = f"{inputs['accountId']}@{_email_domain(project)}"
            answer = await self._get(google, f"projects/{project}/serviceAccounts/{email}")
        return _found(answer, inputs)

    async def read(self, google: Google, resource_id: str, state: Values) -> Found | None:
        """Get the account."""
        try:
            answer = await self._get(google, _path(resource_id, google.config))
        except GoogleError as error:
            if error.status == 404:
                return None
            raise
        return _found(answer, state)

    async def update(self, google: Google, resource_id: str, state: Values, inputs: Values) -> Values:
        """Patch the texts and switch the account on or off."""
        path = _path(resource_id, google.config)
        changed = {key: inputs.get(key) or "" for key in _MASK}
        changed = {key: value for key, value in changed.items() if value != (state.get(key) or "")}
        if changed:
            mask = ",".join(_MASK[key] for key in sorted(changed))
            await google.call(
                "iam",
                "PATCH",
                path,
                doing="updating service account",
                body={"serviceAccount": changed, "updateMask": mask},
            )
        if bool(inputs.get("disabled")) != bool(state.get("disabled")):
            answer = await self._switch(google, path, disabled=bool(inputs.get("disabled")))
        else:
            answer = await self._get(google, path)
        return _found(answer, inputs).outputs

    async def delete(self, google: Google, resource_id: str, state: Values) -> None:
        """Delete the account; its keys go with it."""
        if not deletes(state, f"Account {resource_id}"):
            return
        try:
            await google.call(
                "iam", "DELETE", _path(resource_id, google.config), doing="deleting service account"
            )
        except GoogleError as error:
            if error.status != 404:
                raise

    async def _get(self, google: Google, path: str) -> Values:
        return await google.call("iam", "GET", path, doing="reading service account")

    async def _switch(self, google: Google, path: str, *, disabled: bool) -> Values:
        verb = "disable" if disabled else "enable"
        await google.call(
            "iam", "POST", f"{path}:{verb}", doing=f"{verb[:-1]}ing service account", body={}, repeatable=True
        )
        return await self._get(google, path)


def _found(answer: Values, inputs: Values) -> Found:
    name, email = answer["name"], answer["email"]
    return Found(
        name,
        {
            "accountId": email.partition("@")[0],
            "createIgnoreAlreadyExists": inputs.get("createIgnoreAlreadyExists"),
            "deletionPolicy": inputs.get("deletionPolicy") or "DELETE",
            "description": answer.get("description", ""),
            "disabled": bool(answer.get("disabled")),
            "displayName": answer.get("displayName", ""),
            "email": email,
            "id": name,
            "member": f"serviceAccount:{email}",
            "name": name,
            "project": answer["projectId"],
            "uniqueId": answer["uniqueId"],
        },
    )


def _email_domain(project: str) -> str:
    # A domain-scoped project `example.com:name` turns round in addresses.
    scope, _, name = project.rpartition(":")
    return f"{name}.{scope}.iam.gserviceaccount.com" if scope else f"{project}.iam.gserviceaccount.com"


def _path(resource_id: str, config: Config) -> str:
    """Take the ids that the official plugin imports: the full name, project/email, or the email."""
    match = re.fullmatch(
        r"(?:(?:projects/)?(?P<project>[^/]+)/(?:serviceAccounts/)?)?(?P<email>[^/]+@[^/]+)", resource_id
    )
    if match is None:
        raise PluginError(
            f"{resource_id!r} is not a service account's id: write projects/PROJECT/serviceAccounts/EMAIL, "
            "PROJECT/EMAIL or EMAIL"
        )
    return f"projects/{match['project'] or config.project}/serviceAccounts/{match['email']}"
