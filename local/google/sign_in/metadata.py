"""Machines that have a service account as their own identity: what Google's metadata server tells them.

Source: https://cloud.google.com/compute/docs/metadata/predefined-metadata-keys

With Google each machine sees a metadata server of its own, at a fixed address. Here the platform's owner asks
for a machine (`POST /machines`), and gets what to set GCE_METADATA_HOST and GCE_METADATA_IP to: an address
that nobody can guess. google-auth then signs in as on Cloud Run or GKE. A restart forgets all machines.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from local.google import errors
from local.google.context import caller_of, gateway_of
from local.google.iam.accounts import json_body
from local.google.sign_in import scopes
from local.google.sign_in.tokens import LIFETIME

if TYPE_CHECKING:
    from local.google.state import AccountRecord

_FLAVOR = {"Metadata-Flavor": "Google"}
_MACHINE = "/machines/{machine}"
_METADATA = _MACHINE + "/computeMetadata/v1"
_ACCOUNT = _METADATA + "/instance/service-accounts/{name}"

router = APIRouter()


@router.post("/machines")
async def create_machine(request: Request) -> dict[str, str]:
    """Make a machine that has the service account of the given ``email``. Only for the project's owner."""
    gateway = gateway_of(request)
    if not caller_of(request).is_owner:
        raise errors.permission_denied("Only the platform's owner makes machines.")
    email = str((await json_body(request)).get("email", ""))
    if gateway.store.account(email) is None:
        raise errors.not_found(f"Unknown service account: {email}")
    machine = secrets.token_urlsafe(32)
    gateway.machines[machine] = email
    return {"metadataHost": f"{urlsplit(gateway.base_url).netloc}/machines/{machine}"}


@router.get(_MACHINE)
@router.get(_MACHINE + "/")
async def ping(request: Request, machine: str) -> Response:
    """Say that this is a metadata server."""
    _account(request, machine)
    return PlainTextResponse("computeMetadata/\n", headers=_FLAVOR)


@router.get(_METADATA + "/project/project-id")
async def project_id(request: Request, machine: str) -> Response:
    """Give the project that the machine is in: its account's."""
    _, _, domain = _account(request, machine).email.partition("@")
    return PlainTextResponse(domain.removesuffix(".iam.gserviceaccount.com"), headers=_FLAVOR)


@router.get(_METADATA + "/universe/universe-domain")
async def universe(request: Request, machine: str) -> Response:
    """Give Google's own universe."""
    _account(request, machine)
    return PlainTextResponse("googleapis.com", headers=_FLAVOR)


@router.get(_ACCOUNT + "/")
async def service_account(request: Request, machine: str, name: str) -> Response:
    """Describe the machine's account."""
    account = _account(request, machine, name)
    described: dict[str, Any] = {
        "email": account.email,
        "aliases": ["default"],
        "scopes": sorted(scopes.ALL),
    }
    return JSONResponse(described, headers=_FLAVOR)


@router.get(_ACCOUNT + "/email")
async def email(request: Request, machine: str, name: str) -> Response:
    """Give the address of the machine's account."""
    return PlainTextResponse(_account(request, machine, name).email, headers=_FLAVOR)


@router.get(_ACCOUNT + "/token")
async def token(request: Request, machine: str, name: str) -> Response:
    """Give a token of the machine's account."""
    account = _account(request, machine, name)
    asked = request.query_params.get("scopes")
    held = scopes.parsed(asked.replace(",", " ")) if asked else scopes.ALL
    issued = gateway_of(request).tokens.issue(account, LIFETIME, held)
    answer = {"access_token": issued, "expires_in": LIFETIME, "token_type": "Bearer"}
    return JSONResponse(answer, headers=_FLAVOR)


def _account(request: Request, machine: str, name: str = "default") -> AccountRecord:
    gateway = gateway_of(request)
    if request.headers.get("metadata-flavor") != "Google":
        raise errors.permission_denied("Missing Metadata-Flavor:Google header.")
    account = gateway.store.account(gateway.machines.get(machine, ""))
    if account is None or name not in ("default", account.email):
        raise errors.not_found("There is no such machine, or no such service account on it.")
    return account
