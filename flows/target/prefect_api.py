"""Prefect's API as a whole: where it is, and what its client's errors mean."""

from __future__ import annotations

import json

import httpx
from prefect.exceptions import Abort, MissingResult, PrefectHTTPStatusError
from prefect.settings import get_current_settings

from flows.errors import NotSetUpError, UnreachableError
from flows.observe.redaction import without_user_info

# How Prefect's client fails: no answer, an answer that is an error, an error at its first request, and a
# state that had been set already when its first answer was lost: it comes back without its data.
LOST = (httpx.HTTPError, PrefectHTTPStatusError, RuntimeError, Abort, MissingResult)


def lost(error: object) -> bool:
    """Say if an error means that Prefect is lost: one of LOST, but a RuntimeError only as Prefect raises it.

    Python, too, raises RuntimeError: for a recursion without end, or a thread that cannot be started.
    """
    if isinstance(error, RuntimeError):
        # Where Prefect cannot be reached, or something else answers in its place.
        return isinstance(error.__cause__, httpx.HTTPError | json.JSONDecodeError)
    return isinstance(error, LOST)


def is_away(error: BaseException) -> bool:
    """Say if an error, one of LOST, means that asking again may help: no answer, or that Prefect is busy."""
    answer = error.__cause__ if isinstance(error, RuntimeError) else error
    if isinstance(answer, httpx.HTTPStatusError):
        return answer.response.status_code >= 500 or answer.response.status_code == 429
    return lost(error)


def address() -> str:
    """Return the URL of Prefect's API to tell people, without user and password.

    Raises NotSetUpError if Prefect would start a server of its own.
    """
    url = get_current_settings().api.url
    if not url:
        raise NotSetUpError(
            "PREFECT_API_URL is not set, so there is no Prefect that could hold the blocks. For the local "
            'platform: `python -m local up`, then `eval "$(python -m local env)"`. Elsewhere: '
            "`prefect cloud login`, or `export PREFECT_API_URL=https://…/api`."
        )
    return without_user_info(url)


def unreachable() -> UnreachableError:
    """Return the error for a Prefect that does not answer."""
    return UnreachableError(
        f"Prefect does not answer at {address()} (PREFECT_API_URL). For the local platform: "
        '`python -m local up`, then `eval "$(python -m local env)"`.'
    )


def failure(error: BaseException, what: str) -> NotSetUpError | UnreachableError:
    """Return what to say of an error of Prefect's client, one of `lost`, asked for ``what``."""
    answer = error.__cause__ if isinstance(error, RuntimeError) else error
    if not isinstance(answer, httpx.HTTPStatusError):
        return unreachable()
    status = answer.response.status_code
    if status in {401, 403}:
        return NotSetUpError(
            f"Prefect at {address()} refuses {what} (HTTP {status}). "
            "Set PREFECT_API_KEY (Prefect Cloud) or PREFECT_API_AUTH_STRING (own server) to a valid one."
        )
    return UnreachableError(f"Prefect at {address()} answered HTTP {status} when asked for {what}.")
