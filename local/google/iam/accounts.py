"""IAM v1: service accounts and their keys.

Source: https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import secrets
import time
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request

from local.google import errors
from local.google.context import caller_of, gateway_of
from local.google.iam import keys as service_account_keys
from local.google.iam import policies
from local.google.state import AccountRecord, KeyRecord

ACCOUNT_ID = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])")
MAX_KEYS = 10  # of one account, as with Google
_ACCOUNTS = "/v1/projects/{project_id}/serviceAccounts"
_ACCOUNT = _ACCOUNTS + "/{name}"
_KEY = _ACCOUNT + "/keys/{key_id}"

router = APIRouter()


@router.post(_ACCOUNTS)
async def create_account(request: Request, project_id: str) -> dict[str, Any]:
    """Create a service account. Answers 409 where the id is taken, 400 where it cannot be one."""
    gateway = gateway_of(request)
    gateway.authorizer.require_iam(caller_of(request), project_id, "iam.serviceAccounts.create")
    body = await json_body(request)
    account_id = str(body.get("accountId", ""))
    _check_account_id(account_id)
    project = gateway.authorizer.project(project_id)
    email = f"{account_id}@{project_id}.iam.gserviceaccount.com"
    if email in project.accounts:
        raise errors.already_exists(
            f"Service account {account_id} already exists within project projects/{project_id}."
        )
    wanted = body.get("serviceAccount") or {}
    account = AccountRecord(
        account_id=account_id,
        email=email,
        unique_id="1" + "".join(secrets.choice("0123456789") for _ in range(20)),
        display_name=str(wanted.get("displayName", "")),
        description=str(wanted.get("description", "")),
    )
    project.accounts[email] = account
    gateway.store.save()
    return _account(account, project_id)


@router.get(_ACCOUNTS)
async def list_accounts(request: Request, project_id: str) -> dict[str, Any]:
    """List a project's service accounts, all on one page."""
    gateway = gateway_of(request)
    gateway.authorizer.require_iam(caller_of(request), project_id, "iam.serviceAccounts.list")
    project = gateway.authorizer.project(project_id)
    return {"accounts": [_account(account, project_id) for account in project.accounts.values()]}


@router.get(_ACCOUNT)
async def get_account(request: Request, project_id: str, name: str) -> dict[str, Any]:
    """Give a service account by email or unique id."""
    account, project_id = _find(request, project_id, name, "iam.serviceAccounts.get")
    return _account(account, project_id)


@router.patch(_ACCOUNT)
async def patch_account(request: Request, project_id: str, name: str) -> dict[str, Any]:
    """Change the fields that ``updateMask`` names: displayName, description."""
    account, project_id = _find(request, project_id, name, "iam.serviceAccounts.update")
    body = await json_body(request)
    wanted = body.get("serviceAccount") or {}
    mask = str(body.get("updateMask") or ",".join(wanted)).replace("display_name", "displayName").split(",")
    if "displayName" in mask:
        account.display_name = str(wanted.get("displayName", ""))
    if "description" in mask:
        account.description = str(wanted.get("description", ""))
    account.generation += 1
    gateway_of(request).store.save()
    return _account(account, project_id)


@router.delete(_ACCOUNT)
async def delete_account(request: Request, project_id: str, name: str) -> dict[str, Any]:
    """Delete a service account with its keys; its tokens stop working at once."""
    account, project_id = _find(request, project_id, name, "iam.serviceAccounts.delete")
    store = gateway_of(request).store
    del store.state.projects[project_id].accounts[account.email]
    policies.forget_account(account, store.state.projects.values())
    store.save()
    return {}


@router.post(_ACCOUNT + ":{verb}")
async def account_verb(request: Request, project_id: str, name: str, verb: str) -> dict[str, Any]:
    """Serve :enable, :disable, :getIamPolicy and :setIamPolicy."""
    permissions = {
        "enable": "iam.serviceAccounts.enable",
        "disable": "iam.serviceAccounts.disable",
        "getIamPolicy": "iam.serviceAccounts.getIamPolicy",
        "setIamPolicy": "iam.serviceAccounts.setIamPolicy",
    }
    if verb not in permissions:
        raise errors.not_found(f"Method :{verb} is not served here.")
    account, project_id = _find(request, project_id, name, permissions[verb])
    store = gateway_of(request).store
    if verb in ("enable", "disable"):
        account.disabled = verb == "disable"
        store.save()
        return {}
    if verb == "setIamPolicy":
        body = await json_body(request)
        account.bindings = policies.checked_bindings(body.get("policy"), account.generation, store)
        account.generation += 1
        store.save()
    policy = {"version": 1, "etag": policies.etag(account.generation)}
    return policy | ({"bindings": account.bindings} if account.bindings else {})


@router.get(_ACCOUNT + "/keys")
async def list_keys(request: Request, project_id: str, name: str) -> dict[str, Any]:
    """List an account's keys. All are USER_MANAGED."""
    account, project_id = _find(request, project_id, name, "iam.serviceAccountKeys.list")
    kinds = request.query_params.getlist("keyTypes")
    if kinds and "USER_MANAGED" not in kinds:
        return {}
    return {"keys": [_key(account, project_id, key_id) for key_id in account.keys]}


@router.post(_ACCOUNT + "/keys")
async def create_key(request: Request, project_id: str, name: str) -> dict[str, Any]:
    """Create a key and give it whole, this once: ``privateKeyData`` is base64 of the JSON key file."""
    account, project_id = _find(request, project_id, name, "iam.serviceAccountKeys.create")
    body = await json_body(request)
    for field, served in (
        ("keyAlgorithm", "KEY_ALG_RSA_2048"),
        ("privateKeyType", "TYPE_GOOGLE_CREDENTIALS_FILE"),
    ):
        if body.get(field, served) not in (served, f"{field.upper()}_UNSPECIFIED"):
            raise errors.invalid(f"{field} {body[field]} is not served here: use {served}.")
    if len(account.keys) >= MAX_KEYS:
        raise errors.GoogleError(
            400, "FAILED_PRECONDITION", "failedPrecondition", "Maximum number of keys on account reached."
        )
    gateway = gateway_of(request)
    key = await asyncio.to_thread(service_account_keys.generate, account)
    account.keys[key.key_id] = KeyRecord(
        certificate=key.certificate,
        created=int(time.time()),
        expires=int(service_account_keys.NO_EXPIRY.timestamp()),
    )
    gateway.store.save()
    document = service_account_keys.credentials_file(key, account, project_id, gateway.base_url)
    return _key(account, project_id, key.key_id) | {
        "privateKeyType": "TYPE_GOOGLE_CREDENTIALS_FILE",
        "privateKeyData": base64.b64encode(document).decode(),
    }


@router.get(_KEY)
async def get_key(request: Request, project_id: str, name: str, key_id: str) -> dict[str, Any]:
    """Give a key without its private part; ``publicKeyType`` asks for the public one."""
    account, project_id = _find(request, project_id, name, "iam.serviceAccountKeys.get")
    _check_key(account, key_id)
    kind = request.query_params.get("publicKeyType", "TYPE_NONE")
    data = service_account_keys.public_key_data(account.keys[key_id].certificate, kind)
    return _key(account, project_id, key_id) | ({"publicKeyData": data} if data else {})


@router.delete(_KEY)
async def delete_key(request: Request, project_id: str, name: str, key_id: str) -> dict[str, Any]:
    """Delete a key: it signs nobody in any more. Tokens that it got last out their hour, as with Google.

    Source: https://cloud.google.com/iam/docs/keys-create-delete#deleting
    """
    account, project_id = _find(request, project_id, name, "iam.serviceAccountKeys.delete")
    _check_key(account, key_id)
    del account.keys[key_id]
    gateway_of(request).store.save()
    return {}


async def json_body(request: Request) -> dict[str, Any]:
    """Read a JSON object. Raises Google's 400 for anything else; an empty body is an empty object."""
    body = await request.body()
    try:
        value = json.loads(body or b"{}")
    except ValueError as error:
        raise errors.invalid("Invalid JSON payload received.") from error
    if not isinstance(value, dict):
        raise errors.invalid("Invalid JSON payload received: an object is needed.")
    return value


def _find(request: Request, project_id: str, name: str, permission: str) -> tuple[AccountRecord, str]:
    """Give an account and its project. The project "-" stands for the account's own, as with Google."""
    gateway = gateway_of(request)
    caller = caller_of(request)
    searched = gateway.store.project_ids() if project_id == "-" else [project_id]
    for candidate in searched:
        project = gateway.store.project(candidate)
        for account in project.accounts.values() if project else ():
            if name in (account.email, account.unique_id):
                gateway.authorizer.require_iam(caller, candidate, permission)
                return account, candidate
    gateway.authorizer.require_iam(caller, searched[0], permission)
    raise errors.not_found(f"Unknown service account: {name}")


def _check_account_id(account_id: str) -> None:
    if not 6 <= len(account_id) <= 30:
        raise errors.invalid(f'The account ID "{account_id}" does not have a length between 6 and 30.')
    if not ACCOUNT_ID.fullmatch(account_id):
        raise errors.invalid(
            f'The account ID "{account_id}" is not valid: it must be lowercase letters, digits and hyphens, '
            "start with a letter and not end with a hyphen."
        )


def _check_key(account: AccountRecord, key_id: str) -> None:
    if key_id not in account.keys:
        raise errors.not_found(f"Service account key {key_id} does not exist.")


def _account(account: AccountRecord, project_id: str) -> dict[str, Any]:
    optional = {
        "displayName": account.display_name,
        "description": account.description,
        "disabled": account.disabled,
    }
    return {
        "name": f"projects/{project_id}/serviceAccounts/{account.email}",
        "projectId": project_id,
        "uniqueId": account.unique_id,
        "email": account.email,
        "oauth2ClientId": account.unique_id,
        "etag": policies.etag(account.generation),
    } | {name: value for name, value in optional.items() if value}


def _key(account: AccountRecord, project_id: str, key_id: str) -> dict[str, Any]:
    record = account.keys[key_id]
    return {
        "name": f"projects/{project_id}/serviceAccounts/{account.email}/keys/{key_id}",
        "keyAlgorithm": "KEY_ALG_RSA_2048",
        "keyOrigin": "GOOGLE_PROVIDED",
        "keyType": "USER_MANAGED",
        "validAfterTime": _timestamp(record.created),
        "validBeforeTime": _timestamp(record.expires),
    }


def _timestamp(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
