"""Google's error formats, as googleapis clients and google-cloud-bigquery read them.

Source: https://cloud.google.com/apis/design/errors and https://cloud.google.com/bigquery/docs/error-messages
"""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse

_INVALID_CREDENTIALS = (
    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or "
    "other valid authentication credential."
)


class GoogleError(Exception):
    """An answer other than success: HTTP code, Google's status word, BigQuery's reason, and a message."""

    def __init__(self, code: int, status: str, reason: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.reason = reason
        self.message = message

    def body(self) -> dict[str, Any]:
        """Give the JSON body of the answer."""
        detail: dict[str, str] = {"message": self.message, "domain": "global", "reason": self.reason}
        if self.code == 401:
            detail |= {"location": "Authorization", "locationType": "header"}
        return {
            "error": {
                "code": self.code,
                "message": self.message,
                "errors": [detail],
                "status": self.status,
            }
        }

    def response(self) -> JSONResponse:
        """Give the whole HTTP answer."""
        headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'} if self.code == 401 else None
        return JSONResponse(self.body(), self.code, headers)


class ApiOffError(GoogleError):
    """The 403 of every call of an API that is off in a project.

    Source: https://cloud.google.com/apis/design/errors#error_info and google.rpc.ErrorInfo
    """

    def __init__(self, service: str, title: str, number: str) -> None:
        """``service`` is such as iam.googleapis.com, ``title`` its title, ``number`` the project's."""
        self._service = service
        self._number = number
        self._page = f"https://console.developers.google.com/apis/api/{service}/overview?project={number}"
        super().__init__(
            403,
            "PERMISSION_DENIED",
            "accessNotConfigured",
            f"{title} has not been used in project {number} before or it is disabled. Enable it by visiting "
            f"{self._page} then retry. If you enabled this API recently, wait a few minutes for the action "
            "to propagate to our systems and retry.",
        )

    def body(self) -> dict[str, Any]:
        """Give the JSON body of the answer."""
        found = super().body()
        [detail] = found["error"]["errors"]
        detail |= {"domain": "usageLimits", "extendedHelp": "https://console.developers.google.com"}
        link = {"description": "Google developers console API activation", "url": self._page}
        found["error"]["details"] = [
            {"@type": "type.googleapis.com/google.rpc.Help", "links": [link]},
            {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "SERVICE_DISABLED",
                "domain": "googleapis.com",
                "metadata": {"service": self._service, "consumer": f"projects/{self._number}"},
            },
        ]
        return found


class OAuthError(Exception):
    """A refusal of the token endpoint, in the format of RFC 6749 section 5.2."""

    def __init__(self, error: str, description: str, code: int = 400) -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.code = code

    def response(self) -> JSONResponse:
        """Give the whole HTTP answer."""
        return JSONResponse({"error": self.error, "error_description": self.description}, self.code)


def unauthenticated() -> GoogleError:
    """Build the 401 for a request without a good token."""
    return GoogleError(401, "UNAUTHENTICATED", "authError", _INVALID_CREDENTIALS)


def invalid(message: str) -> GoogleError:
    """Build a 400 for an argument that cannot be right."""
    return GoogleError(400, "INVALID_ARGUMENT", "invalid", message)


def invalid_query(message: str) -> GoogleError:
    """Build BigQuery's 400 for a statement with a mistake in it."""
    return GoogleError(400, "INVALID_ARGUMENT", "invalidQuery", message)


def too_complex() -> GoogleError:
    """Build BigQuery's 400 for a query that is beyond what can be planned."""
    return GoogleError(
        400,
        "INVALID_ARGUMENT",
        "resourcesExceeded",
        "Resources exceeded during query execution: Not enough resources for query planning - too many "
        "subqueries or query is too complex",
    )


def not_found(message: str) -> GoogleError:
    """Build a 404."""
    return GoogleError(404, "NOT_FOUND", "notFound", message)


def already_exists(message: str) -> GoogleError:
    """Build a 409 for a second resource of the same name."""
    return GoogleError(409, "ALREADY_EXISTS", "duplicate", message)


def aborted(message: str) -> GoogleError:
    """Build a 409 for a policy that somebody else changed meanwhile."""
    return GoogleError(409, "ABORTED", "aborted", message)


def permission_denied(message: str) -> GoogleError:
    """Build a 403 of IAM or Resource Manager."""
    return GoogleError(403, "PERMISSION_DENIED", "forbidden", message)


def access_denied(message: str) -> GoogleError:
    """Build a 403 of BigQuery."""
    return GoogleError(403, "PERMISSION_DENIED", "accessDenied", message)


def precondition_failed() -> GoogleError:
    """Build the 412 for an If-Match that is no longer true."""
    return GoogleError(412, "FAILED_PRECONDITION", "conditionNotMet", "Precondition Failed")


def in_use(message: str) -> GoogleError:
    """Build BigQuery's 400 for a resource that cannot go yet."""
    return GoogleError(400, "FAILED_PRECONDITION", "resourceInUse", message)


def unavailable(message: str) -> GoogleError:
    """Build a 503 that clients do not retry for minutes: its reason is not one of the passing ones."""
    return GoogleError(503, "UNAVAILABLE", "unavailable", message)
