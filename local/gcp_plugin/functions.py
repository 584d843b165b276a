"""The functions of the provider that this plugin serves: whose sign-in it has, and the token."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from local.gcp_plugin.google_api import Google
from local.gcp_plugin.kind import Values


async def client_config(google: Google) -> Values:
    """What the provider is configured with; regions and zones have no use here."""
    config = google.config
    return {
        "id": "",
        "accessToken": config.access_token,
        "defaultLabels": dict(config.default_labels),
        "project": config.project,
        "region": "",
        "zone": "",
    }


async def user_info(google: Google) -> Values:
    """Whom the token stands for (https://openidconnect.googleapis.com/v1/userinfo)."""
    found = await google.call("iam", "GET", "userinfo", doing="asking who is signed in")
    return {"id": found["email"], "email": found["email"]}


FUNCTIONS: Mapping[str, Callable[[Google], Awaitable[Values]]] = {
    "gcp:organizations/getClientConfig:getClientConfig": client_config,
    "gcp:organizations/getClientOpenIdUserInfo:getClientOpenIdUserInfo": user_info,
}
