"""IAM Credentials v1: tokens of a service account for those who may act as it.

Source: https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.requests import Request

from local.google import errors
from local.google.context import caller_of, gateway_of
from local.google.iam import roles
from local.google.iam.accounts import json_body
from local.google.sign_in import scopes
from local.google.sign_in.tokens import LIFETIME

if TYPE_CHECKING:
    from local.google.context import Gateway
    from local.google.state import AccountRecord

PERMISSION = "iam.serviceAccounts.getAccessToken"

router = APIRouter()


@router.post("/v1/projects/{project_id}/serviceAccounts/{name}:generateAccessToken")
async def generate_access_token(request: Request, project_id: str, name: str) -> dict[str, str]:
    """Give a token of the account, as Google does for at most an hour.

    The caller needs roles/iam.serviceAccountTokenCreator on the account or on its project; owning the project
    is not enough. Chains of delegates are not served.
    """
    gateway = gateway_of(request)
    caller = caller_of(request)
    account, project = _find(gateway, project_id, name)
    if account is None or not gateway.authorizer.on_account(caller, project, account, PERMISSION):
        raise errors.permission_denied(
            f"Permission '{PERMISSION}' denied on resource (or it may not exist). {caller.email} lacks the "
            f"role {roles.missing_role(PERMISSION)} on the service account {name}."
        )
    body = await json_body(request)
    if body.get("delegates"):
        raise errors.invalid("delegates are not served here: let the caller act as the account itself.")
    try:
        asked = scopes.parsed(body.get("scope"))
    except errors.OAuthError as error:
        raise errors.invalid(f"scope must be a list of OAuth scopes. {error}") from error
    if account.disabled:
        raise errors.GoogleError(
            400, "FAILED_PRECONDITION", "failedPrecondition", f"Service account {account.email} is disabled."
        )
    seconds = _seconds(str(body.get("lifetime") or f"{LIFETIME}s"))
    expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))
    return {"accessToken": gateway.tokens.issue(account, seconds, asked), "expireTime": expires}


def _find(gateway: Gateway, project_id: str, name: str) -> tuple[AccountRecord | None, str]:
    """Give an account by email or unique id with its project; `-` stands for whichever project it is in."""
    for candidate in gateway.store.project_ids() if project_id == "-" else [project_id]:
        project = gateway.store.project(candidate)
        for account in project.accounts.values() if project else ():
            if name in (account.email, account.unique_id):
                return account, candidate
    return None, project_id


def _seconds(lifetime: str) -> int:
    match = re.fullmatch(r"(\d+)(?:\.\d+)?s", lifetime)
    if match is None or not 0 < int(match[1]) <= LIFETIME:
        raise errors.invalid(f"lifetime {lifetime!r} must be between 1s and {LIFETIME}s.")
    return int(match[1])
