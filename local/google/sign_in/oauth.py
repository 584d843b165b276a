"""The token endpoint, where service account keys sign in, and the one that tells whose a token is.

Sources: RFC 7523, https://developers.google.com/identity/protocols/oauth2/service-account#httprest and
https://developers.google.com/identity/openid-connect/openid-connect#obtaininguserprofileinformation
"""

from __future__ import annotations

from urllib.parse import parse_qs

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from local.google import errors
from local.google.context import caller_of, gateway_of
from local.google.sign_in.tokens import LIFETIME

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
MAX_FORM_BYTES = 65_536

router = APIRouter()


@router.post("/token")
async def token(request: Request) -> Response:
    """Exchange a signed JWT for an access token."""
    body = await request.body()
    if len(body) > MAX_FORM_BYTES:
        raise errors.OAuthError("invalid_request", "The request is too big.")
    form = parse_qs(body.decode("utf-8", "replace"))
    grant_type = form.get("grant_type", [""])[0]
    if grant_type != JWT_BEARER:
        message = f"Only {JWT_BEARER} is served here, with a service account key."
        raise errors.OAuthError("unsupported_grant_type", message)
    access_token = gateway_of(request).tokens.exchange(form.get("assertion", [""])[0])
    return JSONResponse({"access_token": access_token, "expires_in": LIFETIME, "token_type": "Bearer"})


@router.get("/v1/userinfo")
async def user_info(request: Request) -> dict[str, str | bool]:
    """Say whose a token is, as https://openidconnect.googleapis.com does."""
    email = caller_of(request).email
    return {"sub": email, "email": email, "email_verified": True}
