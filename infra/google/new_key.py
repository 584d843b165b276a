"""A key that was just made is unknown to parts of Google for a while; this waits until it signs in.

Source: https://cloud.google.com/iam/docs/keys-create-delete (a new key may need 60 seconds or more).
"""

from __future__ import annotations

import asyncio
import base64
import datetime
import functools
import json
import time
from collections.abc import Mapping
from typing import Any

import pulumi

# The age in seconds, by Google's clock, up to which a key counts as new. An older one is not tried.
NEW = 600
# Seconds to wait for a key that is refused, and for a token endpoint that does not answer.
PATIENCE = 120
PATIENCE_UNANSWERED = 20
# Seconds that one answer may take.
ANSWER = 10
LONGEST_PAUSE = 8
# One part of Google may know the key while another does not: each sign-in is a connection of its own.
IN_A_ROW = 3
_SCOPE = "https://www.googleapis.com/auth/bigquery"


async def usable(private_key: str, valid_after: str | None) -> dict[str, Any]:
    """Return Google's key file, which the API gives in base64 of its JSON; of a new key, once it signs in.

    Nothing is asked in a preview. Raises RunError where a new key is not accepted in time.
    """
    key: dict[str, Any] = json.loads(base64.b64decode(private_key))
    if is_new(valid_after) and not pulumi.runtime.is_dry_run():
        await signs_in(key)
    return key


def is_new(valid_after: str | None) -> bool:
    """Tell whether a key is at most `NEW` seconds old; one of unknown age is."""
    try:
        made = datetime.datetime.fromisoformat(valid_after or "")
        return (datetime.datetime.now(datetime.UTC) - made).total_seconds() < NEW
    except (ValueError, TypeError):
        return True


async def signs_in(key: Mapping[str, Any]) -> None:
    """Wait until the key's token endpoint has accepted it a few times in a row. Raises RunError."""
    from google.auth.exceptions import RefreshError, TransportError  # noqa: PLC0415  only for a new key, 0.5 s
    from google.oauth2.service_account import Credentials  # noqa: PLC0415

    credentials = Credentials.from_service_account_info(key, scopes=[_SCOPE])
    who, where = key["client_email"], key["token_uri"]
    began, accepted, pause = time.monotonic(), 0, 1
    while accepted < IN_A_ROW:
        try:
            await asyncio.to_thread(_sign_in, credentials)
        except RefreshError as error:
            answer = str(error.args[0]).rstrip(".")
            why, patience = f"{where} does not accept it: {answer}", PATIENCE
        except TransportError:
            why, patience = f"{where} does not answer", PATIENCE_UNANSWERED
        else:
            accepted += 1
            continue
        waited = time.monotonic() - began
        if waited + pause > patience:
            raise pulumi.RunError(
                f"the new key of {who} can't be used: after {waited:.0f} seconds, {why}. Prefect's block is "
                "as it was. `pulumi up` tries again"
            )
        pulumi.log.info(f"waiting for the new key of {who}, {waited:.0f} seconds of {patience}: {why}")
        await asyncio.sleep(pause)
        accepted, pause = 0, min(2 * pause, LONGEST_PAUSE)


def _sign_in(credentials: Any) -> None:
    from google.auth.transport.requests import Request  # noqa: PLC0415

    credentials.refresh(functools.partial(Request(), timeout=ANSWER))
