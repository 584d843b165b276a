"""What a token may be used for: OAuth scopes, which its asker chose. Roles come on top.

Source: https://developers.google.com/identity/protocols/oauth2/scopes and the reference of each method.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from local.google import errors

if TYPE_CHECKING:
    from collections.abc import Iterable

    from local.google.iam.authorize import Caller

PREFIX = "https://www.googleapis.com/auth/"
ALL = frozenset({f"{PREFIX}cloud-platform"})

_SCOPE = re.compile(re.escape(PREFIX) + r"[a-z][a-z0-9._-]*|openid|email|profile")
_WRITERS = ("cloud-platform",)
_READERS = ("cloud-platform.read-only",)
# Method and path; what changes something there, what only reads. The first that fits counts.
_RULES = tuple(
    (re.compile(pattern), tuple(f"{PREFIX}{name}" for name in names))
    for pattern, names in (
        (r"GET /v1/userinfo", ("userinfo.email",)),
        (r"GET /bigquery/.*", (*_WRITERS, *_READERS, "bigquery", "bigquery.readonly")),
        (
            r"POST /bigquery/v2/projects/[^/]+/queries",
            (*_WRITERS, *_READERS, "bigquery", "bigquery.readonly"),
        ),
        (r"POST /bigquery/.*/insertAll", (*_WRITERS, "bigquery", "bigquery.insertdata")),
        (r"[A-Z]+ (?:/upload)?/bigquery/.*", (*_WRITERS, "bigquery")),
        (r"GET /v1/projects/[^/]+/serviceAccounts.*", (*_WRITERS, *_READERS, "iam")),
        (r"[A-Z]+ /v1/projects/[^/]+/serviceAccounts.*", (*_WRITERS, "iam")),
        (r"GET /v1/projects/[^/]+/services.*", (*_WRITERS, *_READERS, "service.management")),
        (r"[A-Z]+ /v1/projects/[^/]+/services.*", (*_WRITERS, "service.management")),
        (
            r"GET /v1/.*|POST /v1/projects/[^/]+:(?:getIamPolicy|testIamPermissions)",
            (*_WRITERS, *_READERS, "cloudplatformprojects", "cloudplatformprojects.readonly"),
        ),
        (r".*", _WRITERS),
    )
)


def parsed(given: object) -> frozenset[str]:
    """Give the scopes asked for, as text or list. Raises OAuthError where one is none of Google's."""
    names = given.split() if isinstance(given, str) else given if isinstance(given, list) else []
    if not names or not all(isinstance(name, str) and _SCOPE.fullmatch(name) for name in names):
        raise errors.OAuthError("invalid_scope", "Invalid OAuth scope or ID token audience provided.")
    return frozenset(names)


def require(caller: Caller, method: str, path: str) -> None:
    """Raise Google's 403 unless the caller's token may be used for this."""
    if caller.scopes is None:
        return
    asked = f"{method} {path}"
    needed = next(names for pattern, names in _RULES if pattern.fullmatch(asked))
    _require(caller, needed)


def require_writing(caller: Caller) -> None:
    """Raise Google's 403 unless the caller's token may be used for SQL that changes something."""
    if caller.scopes is not None:
        _require(caller, [f"{PREFIX}{name}" for name in (*_WRITERS, "bigquery")])


def _require(caller: Caller, needed: Iterable[str]) -> None:
    held = caller.scopes or frozenset()
    if held.isdisjoint(needed):
        raise errors.GoogleError(
            403,
            "PERMISSION_DENIED",
            "insufficientPermissions",
            f"Request had insufficient authentication scopes. {caller.email} signed in with "
            f"{', '.join(sorted(held))}; one of {', '.join(needed)} is needed.",
        )
