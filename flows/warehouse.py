"""Ask BigQuery, before dbt starts, whether it answers this identity.

dbt repeats a request to a BigQuery that is away for up to ten minutes, and names neither endpoint nor key when it
gives up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flows import diagnosis, names
from flows.errors import NotSetUpError, PipelineError, UnreachableError

if TYPE_CHECKING:
    from flows.profile import DbtProfile

GOOGLE = "https://bigquery.googleapis.com"
_SCOPES = ("https://www.googleapis.com/auth/bigquery",)
_SECONDS = 15.0


def check(profile: DbtProfile) -> None:
    """Sign in as dbt will and read the target's dataset: two requests, at most 15 seconds each.

    Raises UnreachableError if the token endpoint or BigQuery does not answer, NotSetUpError if the key is
    refused, the dataset is absent, or the identity may not read it.
    """
    import requests
    from google.auth.exceptions import RefreshError, TransportError
    from google.auth.transport.requests import AuthorizedSession

    output = profile.output
    endpoint = str(output.get("api_endpoint") or GOOGLE).rstrip("/")
    url = f"{endpoint}/bigquery/v2/projects/{output['project']}/datasets/{output['schema']}"
    try:
        with AuthorizedSession(_credentials(profile)) as session:
            response = session.get(url, timeout=_SECONDS, max_allowed_time=2 * _SECONDS)
    except RefreshError as error:
        raise NotSetUpError(_key_refused(profile, str(error.args[0] if error.args else error))) from error
    except (TransportError, requests.RequestException) as error:
        raise UnreachableError(
            f"BigQuery does not answer at {endpoint} for the project {output['project']} "
            f"(keys are exchanged at {output['keyfile_json']['token_uri']}): {_root(error)}. "
            "For the local platform: `python -m local up`."
        ) from error
    if not response.ok:
        raise _refusal(profile, endpoint, response.status_code, _message(response))


def _credentials(profile: DbtProfile) -> Any:
    from google.oauth2.service_account import Credentials

    try:
        return Credentials.from_service_account_info(profile.key, scopes=_SCOPES)
    except ValueError as error:
        raise NotSetUpError(_key_refused(profile, "it is not a private key in PEM format")) from error


def _key_refused(profile: DbtProfile, why: str) -> str:
    email = profile.output["keyfile_json"]["client_email"]
    return (
        f"the key of {email} in the block {names.gcp_credentials(profile.target)} does not sign in: {why}. "
        f"Make a new one with {names.bring_up(profile.target)}."
    )


def _refusal(profile: DbtProfile, endpoint: str, status: int, message: str) -> PipelineError:
    dataset = f"{profile.output['project']}.{profile.output['schema']}"
    repair = names.bring_up(profile.target)
    if status == 401:
        return NotSetUpError(_key_refused(profile, message))
    if status == 403:
        grant = diagnosis.missing_grant(message) or "roles/bigquery.dataEditor on that dataset"
        email = profile.output["keyfile_json"]["client_email"]
        return NotSetUpError(
            f"{email} may not read the dataset {dataset}: {message} It needs {grant}; {repair} grants it."
        )
    if status == 404:
        return NotSetUpError(f"the dataset {dataset} does not exist at {endpoint}. Create it with {repair}.")
    return UnreachableError(
        f"BigQuery at {endpoint} answers HTTP {status} for the dataset {dataset}: {message}"
    )


def _message(response: Any) -> str:
    try:
        return str(response.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return str(response.text[:200])


def _root(error: BaseException) -> str:
    """Return the innermost reason; requests wraps `Connection refused` several times."""
    while error.args and isinstance(error.args[0], BaseException):
        error = error.args[0]
    reason = getattr(error, "reason", None)
    return str(reason if reason else error).rsplit(": ", 1)[-1].strip(" '\")")
