"""What an answer of a Prefect server means: done, refused, declined, or no Prefect at all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx

from providers.api.errors import NotPrefectError, RefusedError, RejectedError
from providers.api.server import Server

# Parts of a request that may hold secrets, which Prefect's words about it may quote.
MAYBE_SECRET = ("data", "parameters", "job_variables", "base_job_template", "pull_steps", "variables")
# How a reason names a class of Prefect's, in the place of a field: `EventTrigger`, `function-after[…]`.
MEMBER = re.compile(r"^function-|^[A-Z][A-Za-z]*[a-z][A-Z][a-z]+$")
LONGEST_WORDS = 1000  # characters of a server's own words


def judge(server: Server, response: httpx.Response, accept: frozenset[int], sent: Any) -> None:
    """Raise a PrefectError for an answer that is neither 2xx nor in `accept`."""
    status = response.status_code
    if status in {401, 403}:
        raise RefusedError(_refused(server, response))
    if _is_foreign(response):
        raise NotPrefectError(
            f"{server.api_url} answers, but not as Prefect's API does (HTTP {status}): does {server.place} "
            "end in /api, or for Prefect Cloud in /accounts/<id>/workspaces/<id>?"
        )
    if not (response.is_success or status in accept):
        raise RejectedError(
            f"Prefect at {server.api_url} declined {response.request.method} "
            f"{response.request.url.path}: HTTP {status}{_without(words(response), sent)}"
        )


def words(response: httpx.Response) -> str:
    """Return Prefect's own words, after a semicolon, without the input that a validation error would quote.

    A self-hosted server puts the reasons of a 422 into `exception_detail`, Prefect Cloud into `detail`.
    """
    try:
        body = response.json()
    except ValueError:
        return ""
    if not isinstance(body, dict):
        return ""
    told = [body.get(key) for key in ("exception_detail", "detail", "exception_message", "message")]
    return next((text for text in map(_told, told) if text), "")[:LONGEST_WORDS]


def _told(detail: Any) -> str:
    if isinstance(detail, list):
        reasons = (
            f"{_field(item)}: {item.get('msg', '')}"
            for item in _of_the_member_meant([item for item in detail if isinstance(item, dict)])
        )
        return "".join(f"; {reason}" for reason in dict.fromkeys(reasons))
    return f"; {detail}" if isinstance(detail, str) and detail else ""


def _of_the_member_meant(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the reasons without those about members of a union that were not meant.

    Pydantic tells of each member why it is not that one: of a cron line that it has no `interval`.
    """
    others = [
        tuple(item.get("loc", ()))[:-1]
        for item in items
        if item.get("type") in {"literal_error", "extra_forbidden"}
    ]
    others = [place for place in others if place and MEMBER.search(str(place[-1]))]
    kept = [
        item for item in items if not any(tuple(item.get("loc", ()))[: len(one)] == one for one in others)
    ]
    return kept or items


def _field(item: dict[str, Any]) -> str:
    return ".".join(str(part) for part in item.get("loc", ()) if not MEMBER.search(str(part)))


def _refused(server: Server, response: httpx.Response) -> str:
    """Say what was refused, in the server's own words, and what can help."""
    what = f"Prefect at {server.api_url} refused this request (HTTP {response.status_code}{words(response)})"
    if "CSRF" in response.text:
        return f"{what}: set PREFECT_CLIENT_CSRF_SUPPORT_ENABLED to true"
    if server.credentials is None:
        return (
            f"{what}: set PREFECT_API_KEY, or PREFECT_API_AUTH_STRING for a self-hosted server with a "
            "password, or `pulumi config set --secret prefect:apiKey`, or sign in with `prefect cloud login`"
        )
    if response.status_code == 403:
        return (
            f"{what}. It knows who asks, by {server.credentials}: whoever administers the workspace can "
            "say what that may do, and what the plan includes"
        )
    rotated = (
        ". Pulumi keeps that setting from the last `pulumi up`: after a change run `pulumi up` first"
        if server.credentials.startswith("prefect:")
        else ""
    )
    return f"{what}: {server.credentials} is not what it takes{rotated}"


def _is_foreign(response: httpx.Response) -> bool:
    """Tell whether this is no answer of a Prefect API: no JSON, or a 404 for a path it does not have."""
    if response.status_code >= 500 or not response.content:
        return response.status_code == 404
    try:
        body = response.json()
    except ValueError:
        return True
    return response.status_code == 404 and body == {"detail": "Not Found"}


def _without(text: str, sent: Any) -> str:
    """Return the text with everything that was sent as a secret may be blotted out."""
    parts = [sent.get(name) for name in MAYBE_SECRET] if isinstance(sent, dict) else []
    for value in sorted({value for part in parts for value in _strings(part)}, key=len, reverse=True):
        text = text.replace(value, "[secret]")
    return text


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str) and len(value) >= 4:
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
